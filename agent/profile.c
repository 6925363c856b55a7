/* Reads one profile file into a const struct profile. */
#include "config.h"
#include "agent/profile.h"
#include "agent/compose.h"
#include "agent/json_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the members are taken into. */
struct loading {
    struct profile *profile;
    const char *const *listeners;
    bool has_lifetime;
    claim_set *set; /* the set that is being read */
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

claim_set profile_claim(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->accept_count; i++)
        if (strcmp(profile->accept[i].name, name) == 0)
            return (claim_set)1 << i;
    return 0;
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

static int take_key(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    int r = json_take_string(file, at, PROFILE_STRING_MAX, &loading->profile->key_uri);
    if (r < 0)
        return r;
    struct p11_error error;
    if (key_check_uri(loading->profile->key_uri, &error) < 0)
        return json_file_error(file, at, "%s", error.text);
    return 0;
}

static const char *mech_name(size_t index)
{
    return mech_at(index) ? mech_at(index)->algorithm : NULL;
}

static int take_algorithm(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    size_t index = 0;
    int r = json_take_choice(file, at, mech_name, &index);
    const struct mech *mech = loading->profile->mech = mech_at(index);
    const struct kind *kind = loading->profile->kind;
    if (r == 0 && !(mech->family == MECH_HMAC ? kind->secret_key : kind->private_key))
        r = json_file_error(file, at, "does not serve kind %s", kind->name);
    return r;
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

/* Adds a claim, or finds it where the kind has put it already. NULL when there are too many. */
static struct accept *add_accept(struct profile *profile, const char *name)
{
    claim_set known = profile_claim(profile, name);
    for (size_t i = 0; i < profile->accept_count; i++)
        if (known == (claim_set)1 << i)
            return &profile->accept[i];
    if (profile->accept_count == PROFILE_ACCEPT_MAX)
        return NULL;
    struct accept *accept = &profile->accept[profile->accept_count];
    if (accept_init(accept, name) < 0)
        return NULL;
    profile->accept_count++;
    return accept;
}

static int take_accept_claim(struct json_file *file, const struct json_at *at,
                             struct loading *loading)
{
    const struct kind *kind = loading->profile->kind;
    bool of_kind = (kind->first && strcmp(kind->first, at->name) == 0) ||
                   (kind->last && strcmp(kind->last, at->name) == 0);
    if (kind_is_reserved(at->name))
        return json_file_error(file, at, "belongs to the agent: no caller can give it");
    if (!of_kind && !kind->accepts_more)
        return json_file_error(file, at, "kind %s does not take it", kind->name);
    if (!form_is_text(at->name, strlen(at->name)))
        return json_file_error(file, at, "is no name of a claim");
    struct accept *accept = add_accept(loading->profile, at->name);
    if (!accept)
        return json_file_error(file, at, "is more than the %d claims there may be",
                               PROFILE_ACCEPT_MAX);
    return accept_take_form(file, at, accept);
}

static int take_accept(struct json_file *file, const struct json_at *at, void *target)
{
    if (!json_is_object(at->value))
        return json_file_error(file, at, "must be an object, from claim to form");
    const char *name;
    json_t *value;
    json_object_foreach(at->value, name, value)
    {
        struct json_at claim = {.parent = at, .name = name, .value = value};
        if (take_accept_claim(file, &claim, target) < 0)
            return -1;
    }
    return 0;
}

static int take_claim_name(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    const char *name = json_string_value(at->value);
    claim_set claim = name ? profile_claim(loading->profile, name) : 0;
    if (!claim)
        return json_file_error(file, at, "is not among the accepted claims");
    *loading->set |= claim;
    return 0;
}

static int take_required(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->set = &loading->profile->required;
    return json_take_array(file, at, PROFILE_ACCEPT_MAX, take_claim_name, target);
}

static int take_one_of_group(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->set = &loading->profile->one_of[loading->profile->one_of_count++];
    return json_take_array(file, at, PROFILE_ACCEPT_MAX, take_claim_name, target);
}

static int take_one_of(struct json_file *file, const struct json_at *at, void *target)
{
    /* One place is kept for the group that the kind itself asks for. */
    return json_take_array(file, at, PROFILE_ONE_OF_MAX - 1, take_one_of_group, target);
}

static int skip(struct json_file *file, const struct json_at *at, void *target)
{
    (void)file, (void)at, (void)target;
    return 0;
}

static const struct json_member members[] = {
    {"version", true, take_version},
    {"kind", true, skip}, /* taken before all others, as is what claims there are */
    {"key", true, take_key},
    {"algorithm", true, take_algorithm},
    {"client_id", false, take_issuer},
    {"issuer", false, take_issuer},
    {"audiences", true, take_audiences},
    {"lifetime", false, take_lifetime},
    {"backdate", false, take_backdate},
    {"verify", false, take_verify},
    {"jti", false, take_jti},
    {"typ", false, take_typ},
    {"kid", false, take_kid},
    {"allow", false, take_allow},
    {"accept", false, skip},
    {"required", false, take_required},
    {"one_of", false, take_one_of},
    {NULL, false, NULL},
};

/* `last` comes last, wherever the profile mentions it. */
static int order_accept(struct profile *profile)
{
    const char *last = profile->kind->last;
    size_t i = 0;
    if (!last)
        return 0;
    if (!add_accept(profile, last))
        return -1;
    while (strcmp(profile->accept[i].name, last) != 0)
        i++;
    struct accept moved = profile->accept[i];
    for (; i + 1 < profile->accept_count; i++)
        profile->accept[i] = profile->accept[i + 1];
    profile->accept[i] = moved;
    return 0;
}

static int add_first(struct profile *profile)
{
    struct accept *accept = add_accept(profile, profile->kind->first);
    if (accept && profile->kind->first_form)
        accept->form = form_find(profile->kind->first_form);
    return accept ? 0 : -1;
}

/* What must be known before the other members make sense: the kind, and its claims. */
static int take_first(struct json_file *file, const struct json_at *root, struct loading *loading)
{
    struct json_at kind = {.parent = root, .name = "kind"};
    struct json_at accept = {.parent = root, .name = "accept"};
    kind.value = json_object_get(root->value, "kind");
    accept.value = json_object_get(root->value, "accept");
    if (!kind.value)
        return json_file_error(file, root, "\"kind\" is missing");
    int r = take_kind(file, &kind, loading);
    if (r == 0 && loading->profile->kind->first && add_first(loading->profile) < 0)
        r = json_file_error(file, root, "out of memory");
    if (r == 0 && accept.value)
        r = take_accept(file, &accept, loading);
    if (r == 0 && order_accept(loading->profile) < 0)
        r = json_file_error(file, &accept, "is more than the %d claims there may be",
                            PROFILE_ACCEPT_MAX);
    return r;
}

/* A token that identifies nobody is of no use: one identifier must be there. */
static void require_identifier(struct profile *profile)
{
    claim_set identifiers = ((claim_set)1 << profile->accept_count) - 1;
    if (profile->kind->last)
        identifiers &= ~profile_claim(profile, profile->kind->last);
    if (!profile->kind->needs_identifier || (identifiers & profile->required))
        return;
    if (identifiers == 1)
        profile->required |= identifiers;
    else
        profile->one_of[profile->one_of_count++] = identifiers;
}

static int complete(struct json_file *file, const struct json_at *root, struct loading *loading)
{
    struct profile *profile = loading->profile;
    if (!profile->issuer)
        return json_file_error(file, root, "\"%s\" is missing", profile->kind->issuer_member);
    if (profile->kind->needs_identifier && profile->accept_count == 0)
        return json_file_error(file, root,
                               "\"accept\" is missing: kind %s has no claims of its own",
                               profile->kind->name);
    if (!loading->has_lifetime)
        profile->lifetime = profile->kind->lifetime;
    if (profile->lifetime && profile->backdate >= profile->lifetime)
        return json_file_error(file, root, "\"backdate\" must be less than \"lifetime\"");
    if (!profile->typ)
        profile->typ = strdup("JWT");
    require_identifier(profile);
    if (!profile->typ || compose_prepare(profile) < 0)
        return json_file_error(file, root, "out of memory");
    return 0;
}

static int load(struct json_file *file, struct loading *loading)
{
    struct json_at root = {.value = file->root};
    if (!json_is_object(root.value))
        return json_file_error(file, &root, "must be an object");
    int r = take_first(file, &root, loading);
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
    if (!loading.profile || !(loading.profile->name = strdup(name))) {
        profile_free(loading.profile);
        snprintf(error, error_size, "out of memory");
        return -1;
    }
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0)
        r = load(&file, &loading);
    json_file_close(&file);
    if (r < 0) {
        profile_free(loading.profile);
        snprintf(error, error_size, "%s", file.error);
        return -1;
    }
    *ret_profile = loading.profile;
    return 0;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    compose_release(profile);
    for (size_t i = 0; i < profile->audience_count; i++)
        free(profile->audiences[i]);
    allow_clear(profile->allow, profile->allow_count);
    for (size_t i = 0; i < profile->accept_count; i++)
        accept_clear(&profile->accept[i]);
    free(profile->audiences);
    free(profile->kid);
    free(profile->typ);
    free(profile->issuer);
    free(profile->key_uri);
    free(profile->name);
    free(profile);
}
