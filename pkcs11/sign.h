/* One signature with one key, on whichever of its tokens answers. */
#ifndef HINTSIGN_PKCS11_SIGN_H
#define HINTSIGN_PKCS11_SIGN_H

#include "pkcs11/key.h"

#define SIGN_RECOVERY_WAIT_MS 2000 /* for a failed token to come back within a request */

/* Signs `data` with the key's mechanism. A session that fails is replaced once; a token that lost
 * its login or its handles is given to its prober and tried once more. `hint` spreads callers
 * over the sessions: give each thread its own number. On success `signature` holds exactly
 * mech->signature_len bytes. Takes no lock while a session is free.
 * Errors: P11_UNAVAILABLE, P11_LOCKED, P11_KEY, P11_BUSY, P11_FAILED. */
int sign_run(struct key *key, const void *data, size_t length, unsigned hint,
             unsigned char signature[static MECH_SIGNATURE_MAX], struct p11_error *error);

/* C_SignInit and C_Sign on a session that the caller holds: the only place that calls them.
 * Errors: P11_UNAVAILABLE, P11_KEY, P11_FAILED; error->rv says more. */
int sign_on_session(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                    const struct mech *mech, const void *data, size_t length,
                    unsigned char signature[static MECH_SIGNATURE_MAX], struct p11_error *error);

#endif
