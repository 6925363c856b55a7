/* One signature with one key, on whichever of its tokens answers. */
#ifndef HINTSIGN_PKCS11_SIGN_H
#define HINTSIGN_PKCS11_SIGN_H

#include "pkcs11/key.h"

#define SIGN_RECOVERY_WAIT_MS 2000 /* for a failed token to come back within a request */

/* Signs `data` with the key's mechanism. A session that fails is replaced once; a token that lost
 * its login or its handles is given to its prober and tried once more. RSA signatures are verified
 * before they are given out, because a faulty one gives the key away; others where the key says so.
 * `hint` spreads callers over the sessions: give each thread its own number. `signature` is in
 * JOSE's form (RFC 7518 section 3). Takes no lock while a session is free.
 * Errors: P11_UNAVAILABLE, P11_LOCKED, P11_KEY, P11_BUSY, P11_DATA, P11_FAILED. */
int sign_run(struct key *key, const void *data, size_t length, unsigned hint,
             unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
             struct p11_error *error);

/* The same for who has the hash of the data, by the mechanism's algorithm and so of its length. The
 * key is one that signs hashes: see struct key. */
int sign_hash(struct key *key, const unsigned char *hash, unsigned hint,
              unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
              struct p11_error *error);

/* Why a key that is not ready cannot sign now: P11_LOCKED, P11_UNAVAILABLE (it may come back) or
 * P11_KEY (an administrator must act), with the reason in *error. */
int sign_why_not(struct key *key, struct p11_error *error);

#endif
