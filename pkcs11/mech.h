/* JOSE algorithms and the PKCS#11 mechanisms that perform them. */
#ifndef HINTSIGN_PKCS11_MECH_H
#define HINTSIGN_PKCS11_MECH_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

#define MECH_SIGNATURE_MAX   512 /* bytes; RSA 4096 */
#define MECH_DIGEST_INFO_LEN 19  /* bytes before a hash in EMSA-PKCS1-v1_5, RFC 8017 section 9.2 */

enum mech_family { MECH_HMAC, MECH_RSA_PKCS1, MECH_RSA_PSS, MECH_ECDSA, MECH_EDDSA };

enum mech_digest { MECH_SHA256, MECH_SHA384, MECH_SHA512, MECH_DIGESTS };

/* One row of the table (RFC 7518 section 3.1, RFC 8037 section 3.1). */
struct mech {
    const char *algorithm; /* "HS256" */
    enum mech_family family;
    enum mech_digest digest;
    CK_OBJECT_CLASS object_class;
    CK_KEY_TYPE key_types[2]; /* those that serve, the usual one first */
    CK_MECHANISM_TYPE mechanism;
    CK_MECHANISM_TYPE prehashed; /* takes the hash instead of the data; as `mechanism`: none does */
    size_t key_min;              /* bytes of the shortest key (RFC 7518 sections 3.2, 3.3) */
    size_t signature_len;        /* bytes; 0: as long as the RSA modulus */
    const char *curve;           /* "P-256", or NULL */
};

/* A hash, as PKCS#11 and OpenSSL name it. */
struct mech_hash {
    const char *name; /* for EVP_MD_fetch */
    size_t length;    /* bytes */
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
    unsigned char digest_info[MECH_DIGEST_INFO_LEN];
};

/* The row of a JOSE algorithm, or NULL. */
const struct mech *mech_find(const char *algorithm);

/* The rows one by one, from index 0; NULL behind the last. */
const struct mech *mech_at(size_t index);

/* The hash of that name. */
const struct mech_hash *mech_hash_at(enum mech_digest digest);

static inline bool mech_is_rsa(const struct mech *mech)
{
    return mech->family == MECH_RSA_PKCS1 || mech->family == MECH_RSA_PSS;
}

#endif
