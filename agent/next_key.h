/* The client secret that comes next: a profile's next_key. */
#ifndef HINTSIGN_AGENT_NEXT_KEY_H
#define HINTSIGN_AGENT_NEXT_KEY_H

#include "agent/conf.h"

/* Whether the profile has no next_key, or one that can sign and is another key than its `key`.
 * Otherwise `reason` says why not, in one line. */
bool next_key_is_fit(const struct conf *conf, const struct profile *profile, char *reason,
                     size_t size);

#endif
