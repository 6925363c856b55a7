/* The claims of a profile: which it accepts, and which of them must be given. */
#ifndef HINTSIGN_AGENT_PROFILE_CLAIMS_H
#define HINTSIGN_AGENT_PROFILE_CLAIMS_H

#include "agent/json_file.h"
#include "agent/profile.h"

/* Takes "accept", "required" and "one_of" of a profile whose kind is known, and adds what the kind
 * brings along. Returns 0 or json_file_error(). */
int profile_claims_take(struct json_file *file, const struct json_at *root,
                        struct profile *profile);

#endif
