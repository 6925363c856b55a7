/* Reads the members of a profile, one by one. */
#include "config.h"
#include "agent/profile_members.h"
#include "agent/seal.h"

#include <stdlib.h>
#include <string.h>

/* What the members are taken into. */
struct loading {
    struct profile *profile;
    const char *const *listeners;
};

static int take_version(struct json_file *file, const struct json_at *at, void *target)
{
    (void)target;
    json_int_t version;
    return json_take_integer(file, at, 1, 1, &version);
}

static const char *kind_name(size_t index)
{
    return kind_at(index) ? kind_at(index)->name : NULL;
}

static int take_key_uri(struct json_file *file, const struct json_at *at, char **ret_uri)
{
    struct p11_error error;
    int r = json_take_string(file, at, PROFILE_STRING_MAX, ret_uri);
    if (r == 0 && key_check_uri(*ret_uri, &error) < 0)
        r = json_file_error(file, at, "%s", error.text);
    return r;
}

static int take_key(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return take_key_uri(file, at, &loading->profile->key_uri);
}

static int take_next_key(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return take_key_uri(file, at, &loading->profile->next_key_uri);
}

static const char *mech_name(size_t index)
{
    return mech_at(index) ? mech_at(index)->algorithm : NULL;
}

static int take_mech(struct json_file *file, const struct json_at *at, const struct kind *kind,
                     const struct mech **ret_mech)
{
    size_t index = 0;
    int r = json_take_choice(file, at, mech_name, &index);
    const struct mech *mech = *ret_mech = mech_at(index);
    if (r == 0 && !(mech->family == MECH_HMAC ? kind->secret_key : kind->private_key))
        r = json_file_error(file, at, "does not serve kind %s", kind->name);
    return r;
}

static int take_algorithm(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return take_mech(file, at, loading->profile->kind, &loading->profile->mech);
}

static int take_signer(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    struct profile *profile = loading->profile;
    struct signer *signer = &profile->signers[profile->signer_count];
    if (take_mech(file, at, profile->kind, &signer->mech) < 0)
        return -1;
    if (profile_signer(profile, signer->mech->algorithm))
        return json_file_error(file, at, "stands here twice");
    const struct mech *first = profile->signers[0].mech;
    if (mech_is_rsa(first) != mech_is_rsa(signer->mech) ||
        (!mech_is_rsa(first) && profile->signer_count > 0))
        return json_file_error(file, at, "and %s serve no key both", first->algorithm);
    profile->signer_count++;
    return 0;
}

static int take_algorithms(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    int r = json_take_array(file, at, PROFILE_SIGNERS_MAX, take_signer, target);
    loading->profile->mech = loading->profile->signers[0].mech;
    return r;
}

/* The key that is being read. */
static struct published *last_published(struct loading *loading)
{
    return &loading->profile->publish[loading->profile->publish_count - 1];
}

static int take_published_key(struct json_file *file, const struct json_at *at, void *target)
{
    return take_key_uri(file, at, &last_published(target)->key_uri);
}

static int take_published_algorithm(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    struct published *published = last_published(loading);
    int r = take_mech(file, at, loading->profile->kind, &published->mech);
    if (r == 0 && published->mech->family == MECH_HMAC)
        r = json_file_error(file, at, "has no public keys");
    return r;
}

static int take_published_kid(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_string(file, at, PROFILE_STRING_MAX, &last_published(target)->kid);
}

static const struct json_member published_members[] = {
    {"key", true, take_published_key},
    {"algorithm", false, take_published_algorithm},
    {"kid", false, take_published_kid},
    {NULL, false, NULL},
};

/* A URI alone means the profile's own algorithm. */
static int take_published(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->profile->publish_count++;
    if (json_is_string(at->value))
        return take_published_key(file, at, loading);
    return json_take_object(file, at, published_members, loading);
}

static int take_publish(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!loading->profile->kind->private_key)
        return json_file_error(file, at, "kind %s has no public keys",
                               loading->profile->kind->name);
    if (json_is_array(at->value) && json_array_size(at->value) == 0)
        return 0; /* the last one was retired */
    return json_take_array(file, at, PROFILE_PUBLISH_MAX, take_published, target);
}

/* "client_id" in the profiles of a client, "issuer" in the others. */
static int take_issuer(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    const struct kind *kind = loading->profile->kind;
    if (strcmp(at->name, kind->issuer_member) != 0)
        return json_file_error(file, at, "kind %s has \"%s\" instead", kind->name,
                               kind->issuer_member);
    return json_take_string(file, at, PROFILE_STRING_MAX, &loading->profile->issuer);
}

static bool has_part(const enum part *parts, enum part part)
{
    while (*parts != PART_END && *parts != part)
        parts++;
    return *parts == part;
}

static int take_jti(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!has_part(loading->profile->kind->claims, PART_JTI_IF))
        return json_file_error(file, at, "cannot be set for kind %s", loading->profile->kind->name);
    if (!json_is_boolean(at->value))
        return json_file_error(file, at, "must be true or false");
    loading->profile->wants_jti = json_is_true(at->value);
    return 0;
}

static const char *verify_name(size_t index)
{
    static const char *const names[] = {"probe", "always"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static int take_verify(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    size_t index = 0;
    int r = json_take_choice(file, at, verify_name, &index);
    loading->profile->verify = index == 1;
    return r;
}

static int take_typ(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!loading->profile->kind->typ_settable)
        return json_file_error(file, at, "cannot be set for kind %s", loading->profile->kind->name);
    return json_take_string(file, at, PROFILE_STRING_MAX, &loading->profile->typ);
}

static int take_kid(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!has_part(loading->profile->kind->header, PART_KID))
        return json_file_error(file, at, "cannot be set for kind %s", loading->profile->kind->name);
    return json_take_string(file, at, PROFILE_STRING_MAX, &loading->profile->kid);
}

static int take_audience(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    struct profile *profile = loading->profile;
    char **audience = &profile->audiences[profile->audience_count];
    int r = json_take_string(file, at, PROFILE_STRING_MAX, audience);
    for (size_t i = 0; r == 0 && i < profile->audience_count; i++)
        if (strcmp(profile->audiences[i], *audience) == 0)
            r = json_file_error(file, at, "stands here twice");
    profile->audience_count += *audience != NULL;
    return r;
}

static int take_audiences(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->profile->audiences = calloc(PROFILE_AUDIENCES_MAX, sizeof(char *));
    if (!loading->profile->audiences)
        return json_file_error(file, at, "out of memory");
    return json_take_array(file, at, PROFILE_AUDIENCES_MAX, take_audience, target);
}

static int take_lifetime(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, PROFILE_LIFETIME_MAX, &value);
    loading->profile->lifetime = (long)value;
    return r;
}

static int take_backdate(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 0, PROFILE_BACKDATE_MAX, &value);
    loading->profile->backdate = (long)value;
    return r;
}

static int take_allow(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    struct profile *profile = loading->profile;
    return allow_take(file, at, loading->listeners, profile->allow, &profile->allow_count);
}

static int take_rate_limit(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return rate_limit_take(file, at, &loading->profile->rate_limit);
}

static int take_seal(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!loading->profile->kind->sealable)
        return json_file_error(file, at, "cannot be set for kind %s", loading->profile->kind->name);
    return seal_take(file, at, &loading->profile->seal);
}

static int skip(struct json_file *file, const struct json_at *at, void *target)
{
    (void)file, (void)at, (void)target;
    return 0;
}

static const struct json_member members[] = {
    {"version", true, take_version},
    {"kind", true, skip}, /* taken before all others: they depend on it */
    {"key", true, take_key},
    {"next_key", false, take_next_key},
    {"algorithm", true, take_algorithm},
    {"publish", false, take_publish},
    {"client_id", false, take_issuer},
    {"issuer", false, take_issuer},
    {"audiences", true, take_audiences},
    {"lifetime", false, take_lifetime},
    {"backdate", false, take_backdate},
    {"seal", false, take_seal},
    {"verify", false, take_verify},
    {"jti", false, take_jti},
    {"typ", false, take_typ},
    {"kid", false, take_kid},
    {"allow", false, take_allow},
    {"rate_limit", false, take_rate_limit},
    {"accept", false, skip}, /* this and the next two are taken by profile_claims.c */
    {"required", false, skip},
    {"one_of", false, skip},
    {NULL, false, NULL},
};

/* Of the kinds that sign data. */
static const struct json_member data_members[] = {
    {"version", true, take_version},
    {"kind", true, skip},
    {"key", true, take_key},
    {"algorithms", true, take_algorithms},
    {"verify", false, take_verify},
    {"allow", false, take_allow},
    {"rate_limit", false, take_rate_limit},
    {NULL, false, NULL},
};

int profile_members_take_kind(struct json_file *file, const struct json_at *root,
                              struct profile *profile)
{
    struct json_at at = {
        .parent = root, .name = "kind", .value = json_object_get(root->value, "kind")};
    size_t index = 0;
    if (!at.value)
        return json_file_error(file, root, "\"kind\" is missing");
    int r = json_take_choice(file, &at, kind_name, &index);
    profile->kind = kind_at(index);
    profile->lifetime = profile->kind->lifetime;
    return r;
}

int profile_members_take(struct json_file *file, const struct json_at *root,
                         const char *const *listeners, struct profile *profile)
{
    struct loading loading = {profile, listeners};
    return json_take_object(file, root, profile->kind->signs_data ? data_members : members,
                            &loading);
}
