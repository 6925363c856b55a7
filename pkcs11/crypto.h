/* OpenSSL as this folder uses it: hashes before a signature, public keys after it. */
#ifndef HINTSIGN_PKCS11_CRYPTO_H
#define HINTSIGN_PKCS11_CRYPTO_H

#include "pkcs11/error.h"
#include "pkcs11/mech.h"

#include <openssl/evp.h>

#define CRYPTO_DIGEST_MAX 64 /* bytes */
#define CRYPTO_SHA256     32

/* Safe to share between threads. */
struct crypto {
    OSSL_LIB_CTX *library; /* borrowed; never the default one: modules use and shut it down */
    char *properties;      /* which implementations to fetch, or NULL */
    EVP_MD *digests[MECH_DIGESTS];
};

/* `properties` is a property query for what is fetched from `library`, "fips=yes", or NULL.
 * Errors: P11_MEMORY, P11_INVALID (no implementation has these properties). */
int crypto_new(OSSL_LIB_CTX *library, const char *properties, struct crypto **ret_crypto,
               struct p11_error *error);

void crypto_free(struct crypto *crypto); /* accepts NULL */

/* Hashes `data` for a mechanism that wants it hashed. `digest` receives as many bytes as the
 * mechanism's hash has. Returns false when OpenSSL fails. */
bool crypto_digest(const struct crypto *crypto, const struct mech *mech, const void *data,
                   size_t length, unsigned char digest[static CRYPTO_DIGEST_MAX]);

/* The SHA-256 of `data`. Returns false when OpenSSL fails. */
bool crypto_sha256(const struct crypto *crypto, const void *data, size_t length,
                   unsigned char digest[static CRYPTO_SHA256]);

/* Whether a signature in JOSE's form (RFC 7518 section 3: r||s for ECDSA) verifies. */
bool crypto_verify(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                   const void *data, size_t length, const unsigned char *signature,
                   size_t signature_len);

/* The same for who has the hash, which is as long as the mechanism's. Not for MECH_EDDSA. */
bool crypto_verify_hash(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                        const unsigned char *hash, const unsigned char *signature,
                        size_t signature_len);

#endif
