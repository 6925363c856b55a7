/* GetKeys: the public keys with which tokens are verified, as the text of a JWK Set. */
#include "config.h"
#include "client/hintsign.h"

#include "client/exchange.h"
#include "client/reply.h"

#include <stdlib.h>

/* The members that only private and secret keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1). What this
 * file gives is published: not even an agent that went wrong gets one of them through. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

struct asking {
    struct error *error;
    const char *profile; /* or NULL: all */
    bool audit;
    char *json;
};

static int check_key(struct error *error, const struct json_value *key)
{
    if (!json_value_string(key, "kty"))
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'keys' hold what is not a key");
    for (size_t i = 0; i < sizeof private_members / sizeof *private_members; i++)
        if (json_value_member(key, private_members[i]))
            return error_set(error, HINTSIGN_PROTOCOL,
                             "the reply holds a key that is not public: it has '%s'",
                             private_members[i]);
    return 0;
}

/* RFC 7517 §4.1, §5.1. */
static int check_set(struct error *error, const struct json_value *jwks)
{
    const struct json_value *keys = json_value_member(jwks, "keys");
    if (!keys || keys->type != JSON_VALUE_ARRAY)
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'jwks' is not a JWK Set");
    const struct json_value *key = json_value_first(keys);
    int code = 0;
    for (size_t i = 0; code == 0 && i < keys->count; i++, key = json_value_next(key))
        code = check_key(error, key);
    return code;
}

static int compose(void *data, struct text *call)
{
    const struct asking *asking = data;
    if (asking->audit)
        exchange_add_json(call, "audit", "true");
    return exchange_add(asking->error, call, "profile", asking->profile);
}

static int take_set(void *data, const struct json_value *parameters)
{
    struct asking *asking = data;
    const struct json_value *jwks = json_value_member(parameters, "jwks");
    int code = check_set(asking->error, jwks);
    return code < 0 ? code : reply_text(asking->error, jwks, &asking->json);
}

static int get_keys(struct hintsign *handle, const char *profile, bool audit, char **ret_json)
{
    struct asking asking = {&handle->error, profile, audit, NULL};
    int code = exchange_call(handle, "GetKeys", compose, take_set, &asking);
    if (code == 0)
        *ret_json = asking.json;
    else
        free(asking.json); /* the conversation may break after the answer */
    return code;
}

int hintsign_keys(struct hintsign *handle, const char *profile, char **ret_json)
{
    return get_keys(handle, profile, false, ret_json);
}

int hintsign_audit_keys(struct hintsign *handle, char **ret_json)
{
    return get_keys(handle, NULL, true, ret_json);
}
