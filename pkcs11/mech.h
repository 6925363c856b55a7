/* JOSE algorithms and the PKCS#11 mechanisms that perform them. */
#ifndef HINTSIGN_PKCS11_MECH_H
#define HINTSIGN_PKCS11_MECH_H

#include <p11-kit/pkcs11.h>
#include <stddef.h>

#define MECH_SIGNATURE_MAX 512 /* bytes; RSA 4096 */

/* One row of the table (RFC 7518 section 3.1). */
struct mech {
    const char *algorithm; /* "HS256" */
    CK_OBJECT_CLASS object_class;
    CK_KEY_TYPE key_types[2]; /* those that serve, the usual one first */
    CK_MECHANISM_TYPE mechanism;
    size_t key_min;       /* bytes of the shortest key (RFC 7518 section 3.2) */
    size_t signature_len; /* bytes */
};

/* The row of a JOSE algorithm, or NULL. */
const struct mech *mech_find(const char *algorithm);

/* The rows one by one, from index 0; NULL behind the last. */
const struct mech *mech_at(size_t index);

#endif
