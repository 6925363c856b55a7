/* Composes a token's header and claims, byte for byte as its kind has them. */
#ifndef HINTSIGN_AGENT_COMPOSE_H
#define HINTSIGN_AGENT_COMPOSE_H

#include "agent/jose/jose.h"
#include "agent/refusal.h"
#include "client/text.h"
#include "agent/verdict.h"

#include <time.h>

#define COMPOSE_JTI_BYTES  16 /* random */
#define COMPOSE_JTI_LENGTH 22 /* base64url characters */

/* Writes what is fixed for each audience of a profile that was loaded; compose_release undoes it.
 * Returns -1 without memory. */
int compose_prepare(struct profile *profile);
void compose_release(struct profile *profile);

/* Completes a header that holds the thumbprint of a private key, once the key is known. To be
 * called before compose_token; mostly there is nothing left to do. Returns 0 or a refusal_code. */
int compose_prepare_header(const struct profile *profile, const struct jose *jose,
                           struct refusal *refusal);

/* The kid in the header, or NULL. After compose_prepare_header. */
const char *compose_kid(const struct profile *profile);

/* What the agent itself put into a token. */
struct composed {
    time_t expires_at;                /* exp; 0: none */
    char jti[COMPOSE_JTI_LENGTH + 1]; /* "" where the kind has none */
};

/* Writes the JWS signing input, header "." claims (RFC 7515 section 5.1), into `token`, with the
 * time `now` and, where the kind has a jti, these random bytes. `claims` is room to work in.
 * Returns 0 or REFUSAL_INTERNAL. */
int compose_token(const struct verdict *verdict, time_t now,
                  const unsigned char random[static COMPOSE_JTI_BYTES], struct text *claims,
                  struct text *token, struct composed *ret_composed);

/* Whether the profile's tokens have a jti, for which randomness must be fetched. */
bool compose_wants_random(const struct profile *profile);

#endif
