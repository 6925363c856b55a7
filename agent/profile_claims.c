/* Reads which claims a profile accepts from callers, and which of them must be given. */
#include "config.h"
#include "agent/profile_claims.h"

#include <string.h>

claim_set profile_claim(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->accept_count; i++)
        if (strcmp(profile->accept[i].name, name) == 0)
            return (claim_set)1 << i;
    return 0;
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
                             struct profile *profile)
{
    const struct kind *kind = profile->kind;
    bool of_kind = (kind->first && strcmp(kind->first, at->name) == 0) ||
                   (kind->last && strcmp(kind->last, at->name) == 0);
    if (kind_is_reserved(at->name))
        return json_file_error(file, at, "belongs to the agent: no caller can give it");
    if (!of_kind && !kind->accepts_more)
        return json_file_error(file, at, "kind %s does not take it", kind->name);
    if (!form_is_text(at->name, strlen(at->name)))
        return json_file_error(file, at, "is no name of a claim");
    struct accept *accept = add_accept(profile, at->name);
    if (!accept)
        return json_file_error(file, at, "is more than the %d claims there may be",
                               PROFILE_ACCEPT_MAX);
    return accept_take_form(file, at, accept);
}

static int take_accept(struct json_file *file, const struct json_at *at, struct profile *profile)
{
    if (!json_is_object(at->value))
        return json_file_error(file, at, "must be an object, from claim to form");
    const char *name;
    json_t *value;
    json_object_foreach(at->value, name, value)
    {
        struct json_at claim = {.parent = at, .name = name, .value = value};
        if (take_accept_claim(file, &claim, profile) < 0)
            return -1;
    }
    return 0;
}

/* A set of claims that is being read. */
struct set {
    struct profile *profile;
    claim_set claims;
};

static int take_claim_name(struct json_file *file, const struct json_at *at, void *target)
{
    struct set *set = target;
    const char *name = json_string_value(at->value);
    claim_set claim = name ? profile_claim(set->profile, name) : 0;
    if (!claim)
        return json_file_error(file, at, "is not among the accepted claims");
    set->claims |= claim;
    return 0;
}

static int take_required(struct json_file *file, const struct json_at *at, struct profile *profile)
{
    struct set set = {profile, 0};
    int r = json_take_array(file, at, PROFILE_ACCEPT_MAX, take_claim_name, &set);
    profile->required |= set.claims;
    return r;
}

static int take_group(struct json_file *file, const struct json_at *at, void *target)
{
    struct profile *profile = target;
    struct set set = {profile, 0};
    int r = json_take_array(file, at, PROFILE_ACCEPT_MAX, take_claim_name, &set);
    profile->one_of[profile->one_of_count++] = set.claims;
    return r;
}

static int take_one_of(struct json_file *file, const struct json_at *at, struct profile *profile)
{
    /* One place is kept for the group that the kind itself asks for. */
    return json_take_array(file, at, PROFILE_ONE_OF_MAX - 1, take_group, profile);
}

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

static int take_optional(struct json_file *file, const struct json_at *root, const char *name,
                         struct profile *profile,
                         int (*take)(struct json_file *file, const struct json_at *at,
                                     struct profile *profile))
{
    struct json_at at = {.parent = root, .name = name, .value = json_object_get(root->value, name)};
    return at.value ? take(file, &at, profile) : 0;
}

int profile_claims_take(struct json_file *file, const struct json_at *root, struct profile *profile)
{
    if (profile->kind->first && add_first(profile) < 0)
        return json_file_error(file, root, "out of memory");
    int r = take_optional(file, root, "accept", profile, take_accept);
    if (r == 0 && order_accept(profile) < 0)
        r = json_file_error(file, root, "there are more than %d claims", PROFILE_ACCEPT_MAX);
    if (r == 0)
        r = take_optional(file, root, "required", profile, take_required);
    if (r == 0)
        r = take_optional(file, root, "one_of", profile, take_one_of);
    if (r == 0 && profile->kind->needs_identifier && profile->accept_count == 0)
        r = json_file_error(file, root, "\"accept\" is missing: kind %s has no claims of its own",
                            profile->kind->name);
    if (r == 0)
        require_identifier(profile);
    return r;
}
