/* The types of keys that we take (RFC 7518 section 6, RFC 8037 section 2). */
#ifndef HINTSIGN_JOSE_KEYTYPE_H
#define HINTSIGN_JOSE_KEYTYPE_H

#include <openssl/evp.h>
#include <stddef.h>

#define KEYTYPE_RSA_BITS_MIN 2048
#define KEYTYPE_RSA_BITS_MAX 8192
#define KEYTYPE_SIZE_MAX     66 /* bytes of a coordinate: P-521 */

/* Bits, so that an algorithm can name several. */
enum keytype_id {
    KEYTYPE_RSA = 1,
    KEYTYPE_P256 = 2,
    KEYTYPE_P384 = 4,
    KEYTYPE_P521 = 8,
    KEYTYPE_ED25519 = 16,
    KEYTYPE_X25519 = 32,
};

struct keytype {
    enum keytype_id id;
    const char *kty;
    const char *crv;       /* NULL: the type has no curves */
    const char *algorithm; /* OpenSSL's name */
    const char *group;     /* OpenSSL's name of the curve, where it has one beside the algorithm */
    size_t size;           /* bytes of x, and of y where kty is "EC"; 0 where there is no x */
};

/* The row for a JWK's "kty" and "crv" (NULL where it has none), or NULL. */
const struct keytype *keytype_find(const char *kty, const char *crv);

/* The row for a key of any OpenSSL context and provider, or NULL: an RSA key that is too short or
 * too long has none either. */
const struct keytype *keytype_of(const EVP_PKEY *key);

#endif
