/* GetStatus and ListProfiles: what the agent says of itself, as JSON text. */
#include "config.h"
#include "client/hintsign.h"

#include "client/exchange.h"
#include "client/reply.h"

/* Ends a call whose reply was held against its shape with the result `valid` (0 or -1).
 * Takes over `reply`. */
static int give(struct hintsign *handle, json_t *reply, int valid, const json_error_t *why,
                char **ret_json)
{
    struct error *error = &handle->error;
    int code = valid == 0 ? reply_text(error, reply, ret_json)
                          : error_set(error, HINTSIGN_PROTOCOL, "the agent's reply: %s", why->text);
    json_decref(reply);
    return code;
}

int hintsign_profiles(struct hintsign *handle, char **ret_json)
{
    json_t *reply;
    json_error_t why;
    int code = exchange_call(handle, "ListProfiles", NULL, &reply);
    if (code < 0)
        return code;
    int valid = json_unpack_ex(reply, &why, JSON_VALIDATE_ONLY, "{s:[]}", "profiles");
    return give(handle, reply, valid, &why, ret_json);
}

int hintsign_status(struct hintsign *handle, char **ret_json)
{
    json_t *reply;
    json_error_t why;
    int code = exchange_call(handle, "GetStatus", NULL, &reply);
    if (code < 0)
        return code;
    int valid = json_unpack_ex(reply, &why, JSON_VALIDATE_ONLY, "{s:s, s:b, s:I, s:[], s:[]}",
                               "version", "ready", "configuration", "tokens", "profiles");
    return give(handle, reply, valid, &why, ret_json);
}
