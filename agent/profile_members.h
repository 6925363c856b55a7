/* The members of a profile file. */
#ifndef HINTSIGN_AGENT_PROFILE_MEMBERS_H
#define HINTSIGN_AGENT_PROFILE_MEMBERS_H

#include "agent/json_file.h"
#include "agent/profile.h"

/* Takes "kind", without which the other members make no sense, and the lifetime that it brings
 * along. Returns 0 or json_file_error(), as the next one. */
int profile_members_take_kind(struct json_file *file, const struct json_at *root,
                              struct profile *profile);

/* Takes all other members but those of profile_claims.h. `listeners` are those of profile_load. */
int profile_members_take(struct json_file *file, const struct json_at *root,
                         const char *const *listeners, struct profile *profile);

#endif
