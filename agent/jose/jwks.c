/* Reads sets of public keys, and chooses the one to encrypt to. */
#include "config.h"
#include "agent/jose/jwks.h"

#include <stdlib.h>
#include <string.h>

static int fail(const char **error, int code, const char *phrase)
{
    *error = phrase;
    return code;
}

/* A skipped key keeps its kid: for the log, and because no other key may have it. */
static int skip(struct jwks_key *key, const json_t *json, const char *reason)
{
    const char *kid = json_string_value(json_object_get(json, "kid"));
    key->skipped = reason;
    if (!kid || strlen(kid) > JWK_KID_MAX)
        return 0;
    key->jwk.kid = strdup(kid);
    return key->jwk.kid ? 0 : JOSE_MEMORY;
}

static int add_key(const struct jose *jose, const json_t *json, struct jwks_key *key,
                   const char **error)
{
    const char *reason = NULL;
    int r = jwk_parse(jose, json, &key->jwk, &reason);
    if (r == JOSE_MEMORY)
        return fail(error, r, reason);
    if (r == JOSE_PRIVATE)
        return fail(error, r, "a key has members of a private or secret key");
    return r < 0 && skip(key, json, reason) < 0 ? fail(error, JOSE_MEMORY, "out of memory") : 0;
}

static bool has_kid(const struct jwks *jwks, const char *kid)
{
    for (size_t i = 0; i < jwks->count; i++)
        if (jwks->keys[i].jwk.kid && strcmp(jwks->keys[i].jwk.kid, kid) == 0)
            return true;
    return false;
}

static int add_keys(const struct jose *jose, const json_t *list, struct jwks *jwks,
                    const char **error)
{
    const json_t *json;
    size_t i;
    json_array_foreach(list, i, json)
    {
        struct jwks_key *key = &jwks->keys[i];
        int r = add_key(jose, json, key, error);
        if (r == 0 && key->jwk.kid && has_kid(jwks, key->jwk.kid))
            r = fail(error, JOSE_INVALID, "two keys have the same kid");
        jwks->count++;
        if (r < 0)
            return r;
    }
    return 0;
}

int jwks_parse(const struct jose *jose, const json_t *json, struct jwks **ret_jwks,
               const char **error)
{
    const json_t *list = json_object_get(json, "keys");
    if (!json_is_array(list))
        return fail(error, JOSE_INVALID, "it is not an object with an array \"keys\"");
    size_t count = json_array_size(list);
    if (count > JWKS_KEYS_MAX)
        return fail(error, JOSE_INVALID, "it has too many keys");
    struct jwks *jwks = calloc(1, sizeof *jwks + count * sizeof jwks->keys[0]);
    if (!jwks)
        return fail(error, JOSE_MEMORY, "out of memory");
    int r = add_keys(jose, list, jwks, error);
    if (r < 0) {
        jwks_free(jwks);
        return r;
    }
    *ret_jwks = jwks;
    return 0;
}

void jwks_free(struct jwks *jwks)
{
    if (!jwks)
        return;
    for (size_t i = 0; i < jwks->count; i++)
        jwk_clear(&jwks->keys[i].jwk);
    free(jwks);
}

/* How far a key gets on its way to being chosen, and what to say when none gets further. */
enum step { STEP_NONE, STEP_SKIPPED, STEP_USE, STEP_ALG, STEP_OPS, STEP_CHOSEN };

static const char *const lacks[] = {
    [STEP_NONE] = "the set has no keys",
    [STEP_SKIPPED] = "every key of the set had to be skipped",
    [STEP_USE] = "no key of the set is marked for encryption",
    [STEP_ALG] = "no encryption key of the set fits an algorithm asked for",
    [STEP_OPS] = "the key_ops of the encryption keys do not allow it",
};

/* What a public key does for the sender: it encrypts or wraps (RSA), or is agreed with. */
static unsigned ops_of(const struct alg *alg)
{
    return alg->family == ALG_RSA_OAEP ? JWK_OP_ENCRYPT | JWK_OP_WRAP
                                       : JWK_OP_DERIVE_KEY | JWK_OP_DERIVE_BITS;
}

static enum step judge(const struct jwks_key *key, const struct alg *alg, enum jwk_use use)
{
    if (key->skipped)
        return STEP_SKIPPED;
    if (key->jwk.use != use)
        return STEP_USE;
    if (!alg_seals(alg) || !alg_fits(alg, key->jwk.key) ||
        (key->jwk.alg && strcmp(key->jwk.alg, alg->name) != 0))
        return STEP_ALG;
    return key->jwk.ops & ops_of(alg) ? STEP_CHOSEN : STEP_OPS;
}

/* The first key that fits, or NULL. *furthest is how far any key has got. */
static const struct jwk *first_fit(const struct jwks *jwks, const struct alg *alg, enum jwk_use use,
                                   enum step *furthest)
{
    for (size_t i = 0; i < jwks->count; i++) {
        enum step step = judge(&jwks->keys[i], alg, use);
        if (step == STEP_CHOSEN)
            return &jwks->keys[i].jwk;
        if (step > *furthest)
            *furthest = step;
    }
    return NULL;
}

int jwks_choose(const struct jwks *jwks, const struct alg *const *algs, size_t alg_count,
                bool without_use, const struct jwk **ret_key, const struct alg **ret_alg,
                const char **error)
{
    static const enum jwk_use turns[] = {JWK_USE_ENC, JWK_USE_NONE};
    enum step furthest = STEP_NONE;
    for (size_t turn = 0; turn < (without_use ? 2 : 1); turn++) {
        for (size_t i = 0; i < alg_count; i++) {
            const struct jwk *key = first_fit(jwks, algs[i], turns[turn], &furthest);
            if (key) {
                *ret_key = key;
                *ret_alg = algs[i];
                return 0;
            }
        }
    }
    return fail(error, JOSE_MISMATCH, lacks[furthest]);
}
