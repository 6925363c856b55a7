/* Decides who may have what. Pure: the configuration, the caller and the request, nothing else. */
#ifndef HINTSIGN_AGENT_POLICY_H
#define HINTSIGN_AGENT_POLICY_H

#include "agent/conf.h"
#include "agent/peer.h"
#include "agent/verdict.h"

/* Whether the caller may use the profile; if so, by which entry. `ret_entry` may be NULL. */
bool policy_allows(const struct profile *profile, const struct peer *peer, size_t *ret_entry);

/* Checks a request for a token or a signature. One for METHOD_MINT_NEXT is an administrator's: no
 * `allow` is asked. Returns 0 or a refusal_code: REFUSAL_NOT_ALLOWED, alike for a profile that is
 * unknown and one that is forbidden, and also where the profile is of the other sort;
 * REFUSAL_UNKNOWN_AUDIENCE or REFUSAL_INVALID_CLAIM of a token; REFUSAL_INVALID_PARAMETER of a
 * signature; REFUSAL_KEY_UNAVAILABLE where there is no next_key. *verdict is filled in as far as
 * the check went. */
int policy_check(const struct conf *conf, const struct peer *peer, const struct request *request,
                 struct verdict *verdict, struct refusal *refusal);

#endif
