/* Reads one profile file into a const struct profile. */
#include "config.h"
#include "agent/profile.h"
#include "agent/json_file.h"
#include "agent/profile_claims.h"
#include "agent/provider_keys.h"
#include "agent/provider_keys_file.h"
#include "agent/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the members are taken into. */
struct loading {
    struct profile *profile;
    const char *const *listeners;
    bool has_lifetime;
    struct published *published; /* the key that is being read */
};

bool profile_is_name(const char *name, size_t length)
{
    if (length == 0 || length > PROFILE_NAME_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name[i]) || !name[i])
            return false;
    return true;
}

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

static int take_kind(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    size_t index = 0;
    int r = json_take_choice(file, at, kind_name, &index);
    loading->profile->kind = kind_at(index);
    return r;
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

static int take_published_key(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return take_key_uri(file, at, &loading->published->key_uri);
}

static int take_published_algorithm(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    int r = take_mech(file, at, loading->profile->kind, &loading->published->mech);
    if (r == 0 && loading->published->mech->family == MECH_HMAC)
        r = json_file_error(file, at, "has no public keys");
    return r;
}

static int take_published_kid(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return json_take_string(file, at, PROFILE_STRING_MAX, &loading->published->kid);
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
    struct profile *profile = loading->profile;
    loading->published = &profile->publish[profile->publish_count++];
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
    loading->has_lifetime = true;
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
    {"kind", true, skip}, /* taken before all others */
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

/* What must be known before the other members make sense: the kind. */
static int take_first(struct json_file *file, const struct json_at *root, struct loading *loading)
{
    struct json_at kind = {
        .parent = root, .name = "kind", .value = json_object_get(root->value, "kind")};
    if (!kind.value)
        return json_file_error(file, root, "\"kind\" is missing");
    return take_kind(file, &kind, loading);
}

/* The audiences of sealed tokens are issuers whose keys are looked for in files of their names. */
static int check_issuers(struct json_file *file, const struct json_at *root,
                         const struct profile *profile)
{
    struct json_at audiences = {
        .parent = root, .name = "audiences", .value = json_object_get(root->value, "audiences")};
    char name[PROVIDER_KEYS_NAME_SIZE];
    for (size_t i = 0; i < profile->audience_count; i++) {
        struct json_at at = {
            .parent = &audiences, .index = i, .value = json_array_get(audiences.value, i)};
        if (provider_keys_file_name(profile->audiences[i], name) < 0)
            return json_file_error(file, &at,
                                   "is not an issuer that keys can be fetched of: an "
                                   "https URL without user, query and fragment");
    }
    return 0;
}

/* What comes next of a private key is published before it signs, and verified by whoever fetches
 * it: there is nothing to try. */
static int check_next_key(struct json_file *file, const struct json_at *root,
                          const struct profile *profile)
{
    const struct json_at at = {
        .parent = root, .name = "next_key", .value = json_object_get(root->value, "next_key")};
    if (!profile->next_key_uri)
        return 0;
    if (profile->mech->family != MECH_HMAC)
        return json_file_error(file, &at,
                               "is for client secrets: a private key that comes next "
                               "stands in \"publish\"");
    if (strcmp(profile->next_key_uri, profile->key_uri) == 0)
        return json_file_error(file, &at, "is the same as \"key\"");
    return 0;
}

static int complete(struct json_file *file, const struct json_at *root, struct loading *loading)
{
    struct profile *profile = loading->profile;
    if (!profile->issuer)
        return json_file_error(file, root, "\"%s\" is missing", profile->kind->issuer_member);
    if (profile->kind->sealed && !profile->seal)
        return json_file_error(file, root, "\"seal\" is missing: tokens of kind %s are encrypted",
                               profile->kind->name);
    if (profile->seal && check_issuers(file, root, profile) < 0)
        return -1;
    if (profile->seal && !(profile->provider_keys = provider_keys_new(profile->audience_count)))
        return json_file_error(file, root, "out of memory");
    if (!loading->has_lifetime)
        profile->lifetime = profile->kind->lifetime;
    if (profile->lifetime && profile->backdate >= profile->lifetime)
        return json_file_error(file, root, "\"backdate\" must be less than \"lifetime\"");
    if (check_next_key(file, root, profile) < 0)
        return -1;
    if (profile->publish_count && profile->mech->family == MECH_HMAC)
        return json_file_error(file, root, "\"publish\" stands beside %s, which has no public keys",
                               profile->mech->algorithm);
    for (size_t i = 0; i < profile->publish_count; i++)
        if (!profile->publish[i].mech)
            profile->publish[i].mech = profile->mech;
    if (!profile->typ)
        profile->typ = strdup("JWT");
    if (!profile->typ)
        return json_file_error(file, root, "out of memory");
    return 0;
}

static int load(struct json_file *file, struct loading *loading)
{
    struct json_at root = {.value = file->root};
    if (!json_is_object(root.value))
        return json_file_error(file, &root, "must be an object");
    int r = take_first(file, &root, loading);
    const struct kind *kind = loading->profile->kind;
    if (r == 0 && kind && kind->signs_data)
        return json_take_object(file, &root, data_members, loading);
    if (r == 0)
        r = profile_claims_take(file, &root, loading->profile);
    if (r == 0)
        r = json_take_object(file, &root, members, loading);
    if (r == 0)
        r = complete(file, &root, loading);
    return r;
}

int profile_load(const char *path, const char *name, const char *const *listeners,
                 struct profile **ret_profile, char *error, size_t error_size)
{
    struct loading loading = {.listeners = listeners, .profile = calloc(1, sizeof(struct profile))};
    if (!loading.profile || !(loading.profile->name = strdup(name)) ||
        !(loading.profile->counts = metrics_counts_new())) {
        profile_free(loading.profile);
        snprintf(error, error_size, "out of memory");
        return -1;
    }
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0)
        r = load(&file, &loading);
    if (r == 0) {
        loading.profile->source = (struct source){file.text, file.length};
        file.text = NULL;
    }
    json_file_close(&file);
    if (r < 0) {
        profile_free(loading.profile);
        snprintf(error, error_size, "%s", file.error);
        return -1;
    }
    *ret_profile = loading.profile;
    return 0;
}

const struct signer *profile_signer(const struct profile *profile, const char *algorithm)
{
    for (size_t i = 0; i < profile->signer_count; i++)
        if (strcmp(profile->signers[i].mech->algorithm, algorithm) == 0)
            return &profile->signers[i];
    return NULL;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    provider_keys_free(profile->provider_keys);
    metrics_counts_unref(profile->counts);
    free(profile->seal);
    for (size_t i = 0; i < profile->audience_count; i++)
        free(profile->audiences[i]);
    allow_clear(profile->allow, profile->allow_count);
    for (size_t i = 0; i < profile->accept_count; i++)
        accept_clear(&profile->accept[i]);
    for (size_t i = 0; i < profile->publish_count; i++) {
        free(profile->publish[i].key_uri);
        free(profile->publish[i].kid);
    }
    free(profile->audiences);
    free(profile->source.text);
    free(profile->kid);
    free(profile->typ);
    free(profile->issuer);
    free(profile->key_uri);
    free(profile->next_key_uri);
    free(profile->name);
    free(profile);
}
