/* The name under which a private key's tokens go out and its public half is published. */
#ifndef HINTSIGN_AGENT_KID_H
#define HINTSIGN_AGENT_KID_H

#include "agent/jose/jose.h"
#include "pkcs11/key.h"

/* Writes the kid of a key that is named: `set`, where a profile sets one, or the thumbprint of
 * RFC 7638. Returns 0 or REFUSAL_INTERNAL. */
int kid_write(const struct jose *jose, const struct key *key, const char *set, char *ret_kid,
              size_t size);

#endif
