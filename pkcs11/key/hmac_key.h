/* From a client secret to the bytes of an HMAC key. */
#ifndef HINTSIGN_KEY_HMAC_KEY_H
#define HINTSIGN_KEY_HMAC_KEY_H

#include "pkcs11/error.h"
#include "pkcs11/secret.h"

#include <stdbool.h>

struct mech;

/* With --allow-short: the shortest secret, and the length that it is padded to, in bytes. */
#define HMAC_KEY_SHORT_MIN 14
#define HMAC_KEY_PADDED    64

/* How a provider makes the key from the secret; a row of the table. */
struct derivation {
    const char *name;
    const char *algorithm; /* the one that the provider uses such keys with */
    int (*derive)(const struct secret *secret, struct secret *ret_key, struct p11_error *error);
};

/* The row of a name, or NULL. */
const struct derivation *hmac_key_derivation(const char *name);

/* Makes the key that `mech` signs with. Without a derivation (NULL) it is the secret itself.
 * Refused are secrets that are empty, have a NUL byte or are shorter than the algorithm's hash
 * (RFC 7518 section 3.2). With allow_short one of HMAC_KEY_SHORT_MIN bytes or more is taken, and
 * padded with zero bytes where it is the key: HMAC pads a key so anyway (RFC 2104 section 2),
 * and the MAC stays the same. Errors: P11_INVALID, P11_MEMORY, P11_FAILED. */
int hmac_key_make(const struct secret *secret, const struct mech *mech,
                  const struct derivation *derivation, bool allow_short, struct secret *ret_key,
                  struct p11_error *error);

#endif
