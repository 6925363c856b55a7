/* The public keys with which a profile's tokens are verified, as a JWK Set. */
#ifndef HINTSIGN_AGENT_PUBLISH_H
#define HINTSIGN_AGENT_PUBLISH_H

#include "agent/jose/jose.h"
#include "agent/policy.h"
#include "client/text.h"

/* Writes the reply's parameters, {"jwks":{"keys":[...]}}: the keys of `profile`, or, where it is
 * NULL, of all profiles that the caller may use, each key once. Profiles of client secrets have
 * none; those of profiles that sign data are given only when asked for by name. Returns 0 or a
 * refusal_code: REFUSAL_NOT_ALLOWED, or why a key is not known; nothing is left out, so that a
 * publisher never drops a key that still signs. */
int publish_keys(const struct jose *jose, const struct conf *conf, const struct peer *peer,
                 const char *profile, struct text *out, struct refusal *refusal);

/* The same of the key that signs the audit log's checkpoints, which everybody may see; none where
 * there is no such key. */
int publish_audit_key(const struct jose *jose, const struct conf *conf, struct text *out,
                      struct refusal *refusal);

#endif
