/* Keys: from a profile of the agent, or public halves alone, which others had. */
#include "config.h"
#include "client/provider/key.h"
#include "client/provider/agent.h"
#include "client/provider/jwk.h"

#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#define CURVE_MAX 64

struct key *key_new(struct provider *provider, enum key_type type)
{
    struct key *key = calloc(1, sizeof *key);
    if (!key)
        return NULL;
    atomic_store(&key->references, 1);
    key->provider = provider;
    key->type = type;
    return key;
}

struct key *key_ref(struct key *key)
{
    atomic_fetch_add(&key->references, 1);
    return key;
}

void key_unref(struct key *key)
{
    if (!key || atomic_fetch_sub(&key->references, 1) > 1)
        return;
    EVP_PKEY_free(key->public_key);
    agent_unref(key->agent);
    free(key->profile);
    free(key);
}

void key_hold(struct key **held, struct key *key)
{
    if (!key)
        return;
    key_ref(key);
    key_unref(*held);
    *held = key;
}

void key_set_public(struct key *key, EVP_PKEY *public_key)
{
    char curve[CURVE_MAX];
    EVP_PKEY_free(key->public_key);
    key->public_key = public_key;
    key->curve = NULL;
    if (key->type != KEY_EC || EVP_PKEY_get_group_name(public_key, curve, sizeof curve, NULL) != 1)
        return;
    const struct algorithm *algorithm = algorithm_find(KEY_EC, curve, false, NULL);
    key->curve = algorithm ? algorithm->curve : NULL;
}

int key_load(struct provider *provider, struct agent *agent, const char *profile,
             struct key **ret_key)
{
    char *json;
    enum key_type type;
    const char *curve;
    EVP_PKEY *public_key;
    if (!agent_keys(provider, agent, profile, &json))
        return 0;
    int good = jwk_read_only(provider->library, json, &type, &curve, &public_key);
    free(json);
    if (!good)
        return core_error(provider, CORE_NO_KEY,
                          "%s: the profile has no private key, or another type, or several",
                          profile);
    struct key *key = key_new(provider, type);
    if (key) {
        key->curve = curve;
        key->public_key = public_key;
        key->agent = agent_ref(agent);
        key->profile = strdup(profile);
    } else {
        EVP_PKEY_free(public_key);
    }
    if (!key || !key->profile) {
        key_unref(key);
        return core_error(provider, CORE_NO_MEMORY, "%s", profile);
    }
    *ret_key = key;
    return 1;
}
