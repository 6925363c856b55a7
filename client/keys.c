/* GetKeys: the public keys with which tokens are verified, as the text of a JWK Set. */
#include "config.h"
#include "client/hintsign.h"

#include "client/exchange.h"
#include "client/reply.h"

/* The members that only private and secret keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1). What this
 * file gives is published: not even an agent that went wrong gets one of them through. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

static int check_key(struct error *error, const json_t *key)
{
    if (!json_is_string(json_object_get(key, "kty")))
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'keys' hold what is not a key");
    for (size_t i = 0; i < sizeof private_members / sizeof *private_members; i++)
        if (json_object_get(key, private_members[i]))
            return error_set(error, HINTSIGN_PROTOCOL,
                             "the reply holds a key that is not public: it has '%s'",
                             private_members[i]);
    return 0;
}

/* RFC 7517 §4.1, §5.1. */
static int check_set(struct error *error, const json_t *jwks)
{
    const json_t *keys = json_object_get(jwks, "keys");
    size_t i;
    json_t *key;
    if (!json_is_array(keys))
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'jwks' is not a JWK Set");
    json_array_foreach(keys, i, key)
    {
        int code = check_key(error, key);
        if (code < 0)
            return code;
    }
    return 0;
}

/* Takes over the parameters. */
static int get_keys(struct hintsign *handle, json_t *parameters, char **ret_json)
{
    json_t *reply;
    int code = exchange_call(handle, "GetKeys", parameters, &reply);
    if (code < 0)
        return code;
    const json_t *jwks = json_object_get(reply, "jwks");
    code = check_set(&handle->error, jwks);
    if (code == 0)
        code = reply_text(&handle->error, jwks, ret_json);
    json_decref(reply);
    return code;
}

int hintsign_keys(struct hintsign *handle, const char *profile, char **ret_json)
{
    json_t *parameters = json_object();
    int code = exchange_add(&handle->error, parameters, "profile", profile);
    if (code < 0) {
        json_decref(parameters);
        return code;
    }
    return get_keys(handle, parameters, ret_json);
}

int hintsign_audit_keys(struct hintsign *handle, char **ret_json)
{
    json_t *parameters = json_object();
    if (json_object_set_new(parameters, "audit", json_true()) < 0) {
        json_decref(parameters);
        return error_set(&handle->error, HINTSIGN_NO_MEMORY, "out of memory");
    }
    return get_keys(handle, parameters, ret_json);
}
