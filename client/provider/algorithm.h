/* What the agent signs with, as JOSE names it, and as OpenSSL does. */
#ifndef HINTSIGN_PROVIDER_ALGORITHM_H
#define HINTSIGN_PROVIDER_ALGORITHM_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#define ALGORITHM_ID_MAX 67 /* bytes */

enum key_type { KEY_RSA, KEY_EC, KEY_ED25519 };

/* One row of the table. */
struct algorithm {
    const char *name; /* "ES256" */
    enum key_type type;
    const char *curve;  /* as OpenSSL names it, or NULL */
    const char *digest; /* NULL: data are signed, not a digest */
    size_t digest_length;
    bool pss; /* with salt as long as the digest, and MGF1 with the same hash */
    size_t id_length;
    unsigned char id[ALGORITHM_ID_MAX]; /* DER of its AlgorithmIdentifier: RFC 8017 appendix C,
                                         * RFC 5758 section 3.2, RFC 8410 section 3 */
};

/* "RSA", "EC" or "ED25519", as OpenSSL names the type. */
const char *algorithm_key_type(enum key_type type);

/* The row for this sort of key, or NULL. `digest` may be NULL: then the one that data of such a
 * key are hashed with, unless someone says otherwise. */
const struct algorithm *algorithm_find(enum key_type type, const char *curve, bool pss,
                                       const EVP_MD *digest);

/* As algorithm_find by a digest's length, for signers who do not tell its name. */
const struct algorithm *algorithm_find_length(enum key_type type, const char *curve, size_t length);

#endif
