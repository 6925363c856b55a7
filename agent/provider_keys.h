/* The encryption keys of the providers: from the files that hintsign-fetch or an administrator
 * keeps, one for each audience of a profile that seals. */
#ifndef HINTSIGN_AGENT_PROVIDER_KEYS_H
#define HINTSIGN_AGENT_PROVIDER_KEYS_H

#include "agent/jose/jose.h"
#include "agent/profile.h"
#include "agent/refusal.h"
#include "client/text.h"

#define PROVIDER_KEYS_REASON_MAX 600

/* The keys of one profile, by audience. */
struct provider_keys;

/* Room for a key for each audience. Returns NULL without memory. Free with provider_keys_free,
 * which accepts NULL. */
struct provider_keys *provider_keys_new(size_t audience_count);
void provider_keys_free(struct provider_keys *keys);

/* A profile that replaces another begins with the keys that this one has, where it would choose
 * alike. Main thread. */
void provider_keys_inherit(const struct profile *profile, const struct profile *old);

/* Looks whether the files in `dir` that the profiles need have changed, reads those that have, each
 * once, and logs what that brought. Nothing of a bad file is used: the key that there was stays, as
 * long as it is fresh, and the file is read again each time. Where it is gone there is no key. Main
 * thread. */
void provider_keys_refresh(const struct jose *jose, const char *dir,
                           struct profile *const *profiles, size_t count);

/* Seals a signed token, in place: it becomes the plaintext of a JWE (RFC 7519 section 11.2).
 * Returns 0, REFUSAL_ENCRYPTION_KEY_UNAVAILABLE (no key, or a stale one) or REFUSAL_INTERNAL. */
int provider_keys_seal(const struct profile *profile, size_t audience, time_t now,
                       struct text *token, struct refusal *refusal);

/* Whether every audience has a key at `now`. Otherwise `reason` says what is missing. */
bool provider_keys_ready(const struct profile *profile, time_t now, char *reason, size_t size);

/* Writes what is in use as a JSON array: [{"issuer","alg","kid","fresh_until","error"}];
 * `error` says what is wrong with the file, whose key was kept. */
void provider_keys_write(const struct profile *profile, struct text *out);

#endif
