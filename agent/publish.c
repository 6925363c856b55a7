/* Writes the JWK Set that a discovery service publishes. */
#include "config.h"
#include "agent/publish.h"
#include "agent/jose/jwk_write.h"
#include "agent/kid.h"
#include "pkcs11/sign.h"

#include <stdlib.h>
#include <string.h>

/* A set that is being written. */
struct set {
    const struct jose *jose;
    struct text *out;
    struct refusal *refusal;
    struct written *written;
    size_t count;
};

/* Several profiles may sign with one key, and each may give it a name of its own. */
struct written {
    const struct key *key;
    const char *kid; /* as a profile sets it, or NULL */
};

static bool is_written(const struct set *set, const struct key *key, const char *kid)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct written *written = &set->written[i];
        bool same_kid = kid && written->kid ? strcmp(kid, written->kid) == 0 : kid == written->kid;
        if (same_kid && strcmp(written->key->digest, key->digest) == 0)
            return true;
    }
    return false;
}

/* `algorithm` is NULL for a key with several. */
static int put_key(struct set *set, struct key *key, const char *algorithm, const char *kid_set)
{
    char kid[PROFILE_STRING_MAX + 1], *jwk;
    size_t length;
    struct p11_error error;
    if (!key_is_named(key) || key_is_shared(key)) {
        int r = sign_why_not(key, &error);
        p11_error_describe(&error, set->refusal->detail, sizeof set->refusal->detail);
        return refusal_from_p11(r);
    }
    if (is_written(set, key, kid_set))
        return 0;
    if (kid_write(set->jose, key, kid_set, kid, sizeof kid) < 0 ||
        jwk_write(key->public_key, kid, "sig", algorithm, &jwk, &length) < 0)
        return REFUSAL_INTERNAL;
    text_put(set->out, set->count ? "," : "");
    text_add(set->out, jwk, length);
    free(jwk);
    set->written[set->count++] = (struct written){key, kid_set};
    return 0;
}

static int put_profile(struct set *set, const struct profile *profile)
{
    if (profile->mech->family == MECH_HMAC)
        return 0;
    const char *algorithm = profile->signer_count > 1 ? NULL : profile->mech->algorithm;
    int r = put_key(set, profile->key, algorithm, profile->kid);
    for (size_t i = 0; r == 0 && i < profile->publish_count; i++)
        r = put_key(set, profile->publish[i].key, profile->publish[i].mech->algorithm,
                    profile->publish[i].kid);
    return r;
}

static int put_profiles(struct set *set, const struct conf *conf, const struct peer *peer,
                        const char *name)
{
    bool found = false;
    int r = 0;
    for (size_t i = 0; r == 0 && i < conf->profile_count; i++) {
        const struct profile *profile = conf->profiles[i];
        if (name ? strcmp(profile->name, name) != 0 : profile->kind->signs_data)
            continue;
        if (!policy_allows(profile, peer, NULL))
            continue;
        found = true;
        r = put_profile(set, profile);
    }
    return name && !found ? REFUSAL_NOT_ALLOWED : r;
}

int publish_keys(const struct jose *jose, const struct conf *conf, const struct peer *peer,
                 const char *profile, struct text *out, struct refusal *refusal)
{
    struct set set = {.jose = jose, .out = out, .refusal = refusal};
    set.written = calloc(conf->keyring->count + 1, sizeof *set.written);
    if (!set.written)
        return REFUSAL_INTERNAL;
    text_put(out, "{\"jwks\":{\"keys\":[");
    int r = put_profiles(&set, conf, peer, profile);
    text_put(out, "]}}");
    free(set.written);
    return r;
}

int publish_audit_key(const struct jose *jose, const struct conf *conf, struct text *out,
                      struct refusal *refusal)
{
    struct written written;
    struct set set = {.jose = jose, .out = out, .refusal = refusal, .written = &written};
    struct key *key = conf_checkpoint_key(conf);
    text_put(out, "{\"jwks\":{\"keys\":[");
    if (!key && conf->checkpoint_uri) {
        conf_checkpoint_reason(conf, refusal->detail, sizeof refusal->detail);
        return REFUSAL_KEY_UNAVAILABLE;
    }
    int r = key ? put_key(&set, key, key->mech->algorithm, NULL) : 0;
    text_put(out, "]}}");
    return r;
}
