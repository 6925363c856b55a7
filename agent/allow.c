/* Reads the entries of a profile's `allow`: who may use it. */
#include "config.h"
#include "agent/allow.h"
#include "agent/peer.h"
#include "agent/unit.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW_NAME_MAX 1024 /* bytes */

/* What the members of an entry are taken into. */
struct reading {
    const char *const *listeners;
    struct allow *entries;
    size_t *count;
    struct allow *allow; /* the entry that is being read */
};

/* Everybody from another user namespace is shown with that id: no rule may mean them all. */
static int check_id(struct json_file *file, const struct json_at *at, unsigned id)
{
    return id == PEER_UNKNOWN_ID
               ? json_file_error(file, at, "is %d, by which nobody can be known", PEER_UNKNOWN_ID)
               : 0;
}

static int take_id(struct json_file *file, const struct json_at *at, const char *other,
                   bool *ret_given, unsigned *ret_id)
{
    json_int_t value = 0;
    if (*ret_given)
        return json_file_error(file, at, "stands beside \"%s\"", other);
    /* The last two mean "nobody at all" and "no change" to the kernel. */
    int r = json_take_integer(file, at, 0, (json_int_t)UINT32_MAX - 2, &value);
    *ret_given = true;
    *ret_id = (unsigned)value;
    return r == 0 ? check_id(file, at, *ret_id) : r;
}

static int take_uid(struct json_file *file, const struct json_at *at, void *target)
{
    struct reading *reading = target;
    return take_id(file, at, "user", &reading->allow->by_uid, &reading->allow->uid);
}

static int take_gid(struct json_file *file, const struct json_at *at, void *target)
{
    struct reading *reading = target;
    return take_id(file, at, "group", &reading->allow->by_gid, &reading->allow->gid);
}

static int take_user(struct json_file *file, const struct json_at *at, void *target)
{
    struct allow *allow = ((struct reading *)target)->allow;
    if (allow->by_uid)
        return json_file_error(file, at, "stands beside \"uid\"");
    if (json_take_string(file, at, ALLOW_NAME_MAX, &allow->user) < 0)
        return -1;
    const struct passwd *entry = getpwnam(allow->user);
    if (!entry)
        return json_file_error(file, at, "there is no user of that name");
    allow->by_uid = true;
    allow->uid = entry->pw_uid;
    return check_id(file, at, allow->uid);
}

static int take_group(struct json_file *file, const struct json_at *at, void *target)
{
    struct allow *allow = ((struct reading *)target)->allow;
    if (allow->by_gid)
        return json_file_error(file, at, "stands beside \"gid\"");
    if (json_take_string(file, at, ALLOW_NAME_MAX, &allow->group) < 0)
        return -1;
    const struct group *entry = getgrnam(allow->group);
    if (!entry)
        return json_file_error(file, at, "there is no group of that name");
    allow->by_gid = true;
    allow->gid = entry->gr_gid;
    return check_id(file, at, allow->gid);
}

static int take_unit(struct json_file *file, const struct json_at *at, void *target)
{
    struct allow *allow = ((struct reading *)target)->allow;
    int r = json_take_string(file, at, UNIT_NAME_MAX, &allow->unit);
    if (r == 0 && !unit_is_name(allow->unit, strlen(allow->unit)))
        r = json_file_error(file, at, "is no unit with processes, such as \"portal.service\"");
    return r;
}

static int take_listener(struct json_file *file, const struct json_at *at, void *target)
{
    struct reading *reading = target;
    int r = json_take_string(file, at, ALLOW_NAME_MAX, &reading->allow->listener);
    for (size_t i = 0; r == 0 && reading->listeners[i]; i++)
        if (strcmp(reading->listeners[i], reading->allow->listener) == 0)
            return 0;
    return r < 0 ? r : json_file_error(file, at, "there is no listener of that name");
}

static const struct json_member members[] = {
    {"user", false, take_user}, {"uid", false, take_uid},   {"group", false, take_group},
    {"gid", false, take_gid},   {"unit", false, take_unit}, {"listener", false, take_listener},
    {NULL, false, NULL},
};

static int take_entry(struct json_file *file, const struct json_at *at, void *target)
{
    struct reading *reading = target;
    struct allow *allow = reading->allow = &reading->entries[(*reading->count)++];
    int r = json_take_object(file, at, members, reading);
    if (r == 0 && !allow->by_uid && !allow->by_gid && !allow->unit && !allow->listener)
        r = json_file_error(file, at, "names nobody: an entry needs user, group, unit or listener");
    return r;
}

int allow_take(struct json_file *file, const struct json_at *at, const char *const *listeners,
               struct allow *entries, size_t *ret_count)
{
    struct reading reading = {.listeners = listeners, .entries = entries, .count = ret_count};
    return json_take_array(file, at, ALLOW_MAX, take_entry, &reading);
}

bool allow_names_unit(const struct allow *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].unit)
            return true;
    return false;
}

void allow_clear(struct allow *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(entries[i].user);
        free(entries[i].group);
        free(entries[i].unit);
        free(entries[i].listener);
    }
}
