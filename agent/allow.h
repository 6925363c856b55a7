/* The entries of a profile's `allow`: who may use it. */
#ifndef HINTSIGN_AGENT_ALLOW_H
#define HINTSIGN_AGENT_ALLOW_H

#include "agent/json_file.h"

#include <sys/types.h>

#define ALLOW_MAX 64 /* entries of one profile */

/* Matches when all that it names match; it names at least one. Strings are NULL where they are
 * not given. */
struct allow {
    bool by_uid, by_gid;
    uid_t uid;
    gid_t gid;
    char *user, *group; /* as they were written; what they mean is in uid and gid */
    char *unit;
    char *listener;
};

/* Takes an array of entries. `listeners`, which end with NULL, are the names that they may use;
 * `entries` has room for ALLOW_MAX. Returns 0 or json_file_error(); free with allow_clear either
 * way. */
int allow_take(struct json_file *file, const struct json_at *at, const char *const *listeners,
               struct allow *entries, size_t *ret_count);

/* Whether some entry matches by a unit. */
bool allow_names_unit(const struct allow *entries, size_t count);

void allow_clear(struct allow *entries, size_t count);

#endif
