/* Takes one reply apart and trusts nothing in it. */
#include "config.h"
#include "client/reply.h"

#include <stdlib.h>

static int broken(struct error *error, const char *what)
{
    return error_set(error, HINTSIGN_PROTOCOL, "the agent's reply %s", what);
}

/* What remains of a reply that is an object. */
static int examine(struct error *error, const struct json_value *reply,
                   const struct json_value **ret_parameters)
{
    const struct json_value *name = json_value_member(reply, "error");
    const struct json_value *parameters = json_value_member(reply, "parameters");
    const struct json_value *continues = json_value_member(reply, "continues");
    if (name && name->type != JSON_VALUE_STRING)
        return broken(error, "names its error by something else than a string");
    if (parameters && parameters->type != JSON_VALUE_OBJECT)
        return broken(error, "has parameters that are not an object");
    if (continues && continues->type == JSON_VALUE_TRUE)
        return broken(error, "promises more replies, which nobody asked for");
    if (name)
        return error_set_reply(error, name->string, parameters);
    if (!parameters)
        return broken(error, "has neither parameters nor an error");
    *ret_parameters = parameters;
    return 0;
}

void reply_free(struct reply *reply)
{
    free(reply->values);
}

static int make_room(struct reply *reply, size_t values)
{
    if (values <= reply->size)
        return 0;
    struct json_value *larger = reallocarray(reply->values, values, sizeof *larger);
    if (!larger)
        return -1;
    reply->values = larger;
    reply->size = values;
    return 0;
}

int reply_parse(struct error *error, struct reply *reply, char *message, size_t length,
                const struct json_value **ret_parameters)
{
    size_t most = json_value_most(message, length);
    if (make_room(reply, most < REPLY_VALUES_MAX ? most : REPLY_VALUES_MAX) < 0)
        return error_set_memory(error);
    if (json_value_parse(message, length, reply->values, reply->size) < 0 ||
        reply->values->type != JSON_VALUE_OBJECT)
        return broken(error, "is not a JSON object");
    return examine(error, reply->values, ret_parameters);
}

/* *ret_value is NULL for a member that may be and is absent. */
static int find_member(struct error *error, const struct json_value *parameters, const char *member,
                       bool required, const struct json_value **ret_value)
{
    const struct json_value *value = json_value_member(parameters, member);
    if (value && value->type == JSON_VALUE_NULL)
        value = NULL;
    if (!value && required)
        return error_set(error, HINTSIGN_PROTOCOL, "the agent's reply lacks '%s'", member);
    *ret_value = value;
    return 0;
}

int reply_string(struct error *error, const struct json_value *parameters, const char *member,
                 bool required, const char **ret_text)
{
    const struct json_value *value = NULL;
    int code = find_member(error, parameters, member, required, &value);
    if (code < 0)
        return code;
    if (value && value->type != JSON_VALUE_STRING)
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's '%s' is not a string", member);
    *ret_text = value ? value->string : NULL;
    return 0;
}

int reply_integer(struct error *error, const struct json_value *parameters, const char *member,
                  bool required, int64_t *ret_integer)
{
    const struct json_value *value = NULL;
    int code = find_member(error, parameters, member, required, &value);
    if (code < 0)
        return code;
    if (value && value->type != JSON_VALUE_INTEGER)
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's '%s' is not an integer", member);
    *ret_integer = value ? value->integer : 0;
    return 0;
}

int reply_text(struct error *error, const struct json_value *value, char **ret_text)
{
    struct text text = {0};
    json_value_write(value, &text);
    text_add(&text, "", 1);
    if (text.failed) {
        text_free(&text);
        return error_set_memory(error);
    }
    *ret_text = text.data;
    return 0;
}
