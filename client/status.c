/* GetStatus and ListProfiles: what the agent says of itself, as JSON text. */
#include "config.h"
#include "client/hintsign.h"

#include "client/exchange.h"
#include "client/reply.h"

#include <stdlib.h>

/* A member that a reply must have. */
struct shape {
    const char *name;
    enum json_value_type type; /* JSON_VALUE_TRUE: true or false */
};

static const struct shape profiles[] = {{"profiles", JSON_VALUE_ARRAY}, {NULL, 0}};
static const struct shape status[] = {
    {"version", JSON_VALUE_STRING},        {"ready", JSON_VALUE_TRUE},
    {"configuration", JSON_VALUE_INTEGER}, {"tokens", JSON_VALUE_ARRAY},
    {"profiles", JSON_VALUE_ARRAY},        {NULL, 0},
};

struct asking {
    struct error *error;
    const struct shape *shape;
    char *json;
};

static int take_reply(void *data, const struct json_value *parameters)
{
    struct asking *asking = data;
    for (const struct shape *shape = asking->shape; shape->name; shape++) {
        const struct json_value *member = json_value_member(parameters, shape->name);
        if (!member || (member->type != shape->type &&
                        !(shape->type == JSON_VALUE_TRUE && member->type == JSON_VALUE_FALSE)))
            return error_set(asking->error, HINTSIGN_PROTOCOL,
                             "the agent's reply: '%s' is missing or of a wrong type", shape->name);
    }
    return reply_text(asking->error, parameters, &asking->json);
}

static int ask(struct hintsign *handle, const char *method, const struct shape *shape,
               char **ret_json)
{
    struct asking asking = {&handle->error, shape, NULL};
    int code = exchange_call(handle, method, NULL, take_reply, &asking);
    if (code == 0)
        *ret_json = asking.json;
    else
        free(asking.json); /* the conversation may break after the answer */
    return code;
}

int hintsign_profiles(struct hintsign *handle, char **ret_json)
{
    return ask(handle, "ListProfiles", profiles, ret_json);
}

int hintsign_status(struct hintsign *handle, char **ret_json)
{
    return ask(handle, "GetStatus", status, ret_json);
}
