/* Loads one profile file, and checks it as a whole. */
#include "config.h"
#include "agent/profile.h"
#include "agent/json_file.h"
#include "agent/profile_claims.h"
#include "agent/profile_members.h"
#include "agent/provider_keys.h"
#include "agent/provider_keys_file.h"
#include "agent/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool profile_is_name(const char *name, size_t length)
{
    if (length == 0 || length > PROFILE_NAME_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name[i]) || !name[i])
            return false;
    return true;
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

/* Checks what members say together, and adds what they leave out. */
static int complete(struct json_file *file, const struct json_at *root, struct profile *profile)
{
    if (!profile->issuer)
        return json_file_error(file, root, "\"%s\" is missing", profile->kind->issuer_member);
    if (profile->kind->sealed && !profile->seal)
        return json_file_error(file, root, "\"seal\" is missing: tokens of kind %s are encrypted",
                               profile->kind->name);
    if (profile->seal && check_issuers(file, root, profile) < 0)
        return -1;
    if (profile->seal && !(profile->provider_keys = provider_keys_new(profile->audience_count)))
        return json_file_error(file, root, "out of memory");
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

static int load(struct json_file *file, const char *const *listeners, struct profile *profile)
{
    struct json_at root = {.value = file->root};
    if (!json_is_object(root.value))
        return json_file_error(file, &root, "must be an object");
    int r = profile_members_take_kind(file, &root, profile);
    bool makes_tokens = r == 0 && !profile->kind->signs_data;
    if (makes_tokens)
        r = profile_claims_take(file, &root, profile);
    if (r == 0)
        r = profile_members_take(file, &root, listeners, profile);
    if (r == 0 && makes_tokens)
        r = complete(file, &root, profile);
    return r;
}

int profile_load(const char *path, const char *name, const char *const *listeners,
                 struct profile **ret_profile, char *error, size_t error_size)
{
    struct profile *profile = calloc(1, sizeof *profile);
    if (!profile || !(profile->name = strdup(name)) || !(profile->counts = metrics_counts_new())) {
        profile_free(profile);
        snprintf(error, error_size, "out of memory");
        return -1;
    }
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0)
        r = load(&file, listeners, profile);
    if (r == 0) {
        profile->source = (struct source){file.text, file.length};
        file.text = NULL;
    }
    json_file_close(&file);
    if (r < 0) {
        profile_free(profile);
        snprintf(error, error_size, "%s", file.error);
        return -1;
    }
    *ret_profile = profile;
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
