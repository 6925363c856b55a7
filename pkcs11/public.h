/* The public half of a key, as a token tells it. */
#ifndef HINTSIGN_PKCS11_PUBLIC_H
#define HINTSIGN_PKCS11_PUBLIC_H

#include "pkcs11/crypto.h"
#include "pkcs11/object.h"

/* Reads the public key for `mech` from a public key object, or from a private one that tells its
 * modulus: RSA from 2048 to 4096 bits, or a point on the mechanism's curve, which is checked. What
 * a token says of itself is not believed further: prove the key with a signature.
 * Errors: P11_KEY (with the reason, to follow "the key "), P11_UNAVAILABLE.
 * The caller frees *ret_key with EVP_PKEY_free. */
int public_read(const struct crypto *crypto, CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                const struct object *object, const struct mech *mech, EVP_PKEY **ret_key,
                struct p11_error *error);

#endif
