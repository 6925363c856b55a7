/* Reads how a profile's tokens are sealed. */
#include "config.h"
#include "agent/seal.h"
#include "agent/provider_keys_file.h"

#include <stdlib.h>
#include <string.h>

static int take_alg(struct json_file *file, const struct json_at *at, void *target)
{
    struct seal *seal = target;
    const char *name = json_string_value(at->value);
    const struct alg *alg = name ? alg_find(name) : NULL;
    if (!alg || !alg_seals(alg))
        return json_file_error(file, at,
                               "is no algorithm to seal with: RSA-OAEP-256, RSA-OAEP, "
                               "ECDH-ES+A128KW, ECDH-ES+A256KW, ECDH-ES");
    for (size_t i = 0; i < seal->alg_count; i++)
        if (seal->algs[i] == alg)
            return json_file_error(file, at, "stands here twice");
    seal->algs[seal->alg_count++] = alg;
    return 0;
}

static int take_algs(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, SEAL_ALGS_MAX, take_alg, target);
}

static int take_enc(struct json_file *file, const struct json_at *at, void *target)
{
    struct seal *seal = target;
    const char *name = json_string_value(at->value);
    seal->enc = name ? enc_find(name) : NULL;
    if (!seal->enc)
        return json_file_error(file, at,
                               "must be one of A128GCM, A256GCM, A128CBC-HS256, "
                               "A256CBC-HS512");
    return 0;
}

static int take_max_stale(struct json_file *file, const struct json_at *at, void *target)
{
    struct seal *seal = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, SEAL_STALE_MIN, SEAL_STALE_MAX, &value);
    seal->max_stale = (long)value;
    return r;
}

static int take_without_use(struct json_file *file, const struct json_at *at, void *target)
{
    struct seal *seal = target;
    if (!json_is_boolean(at->value))
        return json_file_error(file, at, "must be true or false");
    seal->without_use = json_is_true(at->value);
    return 0;
}

static const struct json_member members[] = {
    {"alg", true, take_algs},
    {"enc", true, take_enc},
    {"max_stale", false, take_max_stale},
    {"without_use", false, take_without_use},
    {NULL, false, NULL},
};

int seal_take(struct json_file *file, const struct json_at *at, struct seal **ret_seal)
{
    struct seal *seal = calloc(1, sizeof *seal);
    if (!seal)
        return json_file_error(file, at, "out of memory");
    seal->max_stale = PROVIDER_KEYS_MAX_STALE;
    int r = json_take_object(file, at, members, seal);
    if (r < 0)
        free(seal);
    else
        *ret_seal = seal;
    return r;
}

bool seal_equal(const struct seal *a, const struct seal *b)
{
    return a->alg_count == b->alg_count &&
           memcmp(a->algs, b->algs, a->alg_count * sizeof a->algs[0]) == 0 && a->enc == b->enc &&
           a->max_stale == b->max_stale && a->without_use == b->without_use;
}
