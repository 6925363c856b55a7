/* Takes one reply apart and trusts nothing in it. */
#include "config.h"
#include "client/reply.h"

static int broken(struct error *error, const char *what)
{
    return error_set(error, HINTSIGN_PROTOCOL, "the agent's reply %s", what);
}

/* What remains of a reply that is an object; `error_name` is NULL in a reply of success. */
static int examine(struct error *error, json_t *reply, json_t **ret_parameters)
{
    json_t *error_name = json_object_get(reply, "error");
    json_t *parameters = json_object_get(reply, "parameters");
    if (error_name && !json_is_string(error_name))
        return broken(error, "names its error by something else than a string");
    if (parameters && !json_is_object(parameters))
        return broken(error, "has parameters that are not an object");
    if (json_is_true(json_object_get(reply, "continues")))
        return broken(error, "promises more replies, which nobody asked for");
    if (error_name)
        return error_set_reply(error, json_string_value(error_name), parameters);
    if (!parameters)
        return broken(error, "has neither parameters nor an error");
    *ret_parameters = json_incref(parameters);
    return 0;
}

int reply_parse(struct error *error, const char *message, size_t length, json_t **ret_parameters)
{
    json_error_t why = {0}; /* without memory jansson may leave its code unset */
    json_t *reply = json_loadb(message, length, JSON_REJECT_DUPLICATES, &why);
    if (!reply && json_error_code(&why) == json_error_out_of_memory)
        return error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
    int code = json_is_object(reply) ? examine(error, reply, ret_parameters)
                                     : broken(error, "is not a JSON object");
    json_decref(reply);
    return code;
}

/* *ret_value is NULL for a member that may be and is absent. */
static int find_member(struct error *error, const json_t *parameters, const char *member,
                       bool required, const json_t **ret_value)
{
    const json_t *value = json_object_get(parameters, member);
    if (json_is_null(value))
        value = NULL;
    if (!value && required)
        return error_set(error, HINTSIGN_PROTOCOL, "the agent's reply lacks '%s'", member);
    *ret_value = value;
    return 0;
}

int reply_string(struct error *error, const json_t *parameters, const char *member, bool required,
                 const char **ret_text)
{
    const json_t *value = NULL;
    int code = find_member(error, parameters, member, required, &value);
    if (code < 0)
        return code;
    if (value && !json_is_string(value))
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's '%s' is not a string", member);
    *ret_text = json_string_value(value);
    return 0;
}

int reply_integer(struct error *error, const json_t *parameters, const char *member, bool required,
                  int64_t *ret_integer)
{
    const json_t *value = NULL;
    int code = find_member(error, parameters, member, required, &value);
    if (code < 0)
        return code;
    if (value && !json_is_integer(value))
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's '%s' is not an integer", member);
    *ret_integer = value ? json_integer_value(value) : 0;
    return 0;
}

int reply_text(struct error *error, const json_t *object, char **ret_text)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        return error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
    *ret_text = text;
    return 0;
}
