/* Uses of one key that do not go together.
 *
 * One key under two algorithms: a token of one could pass for a token of the other. And what an
 * owner alone has signed must not be had elsewhere. The same object tells it, or the same public
 * half, also of a copy, on whatever token. */
#ifndef HINTSIGN_PKCS11_USE_H
#define HINTSIGN_PKCS11_USE_H

#include "pkcs11/key.h"

/* Sets other_use of the keys that it concerns: of those that were found on this home in this
 * generation, and of all that are named. With the keyring's lock held. Errors: P11_MEMORY. */
int use_mark_others(struct keyring *keyring, size_t home, uint64_t generation,
                    struct p11_error *error);

#endif
