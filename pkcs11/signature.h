/* One signature on one session. */
#ifndef HINTSIGN_PKCS11_SIGNATURE_H
#define HINTSIGN_PKCS11_SIGNATURE_H

#include "pkcs11/crypto.h"

/* How a key signs on one token. */
struct signing {
    const struct mech *mech;
    const struct crypto *crypto;
    bool prehashed; /* the token is given hashes */
    bool hashed;    /* ... and so are we: the caller's `data` is the mechanism's hash */
};

/* C_SignInit and C_Sign on a session that the caller holds: the only place that calls them.
 * Errors: P11_UNAVAILABLE, P11_KEY, P11_DATA, P11_FAILED; error->rv says more. */
int signature_make(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                   const struct signing *signing, const void *data, size_t length,
                   unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
                   struct p11_error *error);

#endif
