/* A key that signs, tried with one algorithm. */
#ifndef HINTSIGN_KEY_SIGNER_H
#define HINTSIGN_KEY_SIGNER_H

#include "pkcs11/key/trial.h"
#include "pkcs11/mech.h"
#include "pkcs11/secret.h"

/* A key and what tells a right signature: the secret itself, or the public half. Both borrowed,
 * one of them NULL. */
struct signer {
    CK_OBJECT_HANDLE handle;
    const struct mech *mech;
    const struct secret *secret;
    EVP_PKEY *public_key;
};

/* Signs again and again, and checks every signature; `prehashed`: a hash that we make. *ret_us is
 * the time of one signature in microseconds. Errors: those of signature_make, P11_FAILED. */
int signer_sign(const struct trial *trial, const struct signer *signer, bool prehashed,
                double *ret_us, struct p11_error *error);

/* Adds to the report whether the key signs with its algorithm, if need be prehashed. */
void signer_try(const struct trial *trial, const struct signer *signer);

#endif
