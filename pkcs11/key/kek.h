/* A key-encryption key: the public half of a pair that unwraps client secrets inside a token. */
#ifndef HINTSIGN_KEY_KEK_H
#define HINTSIGN_KEY_KEK_H

#include "pkcs11/crypto.h"
#include "pkcs11/secret.h"
#include "pkcs11/token.h"

#define KEK_FINGERPRINT_HEX (2 * CRYPTO_SHA256)
#define KEK_RSA_MAX         512 /* bytes of what RSA 4096 encrypts to */

/* The hash of RSA-OAEP and of its MGF1; a row of the table. */
struct kek_hash {
    const char *name; /* "SHA-256" */
    const char *hash; /* as OpenSSL names it */
    size_t length;    /* bytes */
    CK_RSA_PKCS_OAEP_PARAMS params;
};

/* Zero-initialise; free with kek_clear, also after an error. */
struct kek {
    OSSL_LIB_CTX *library; /* of our own: modules use the default one */
    struct crypto *crypto;
    EVP_PKEY *key;
    const struct kek_hash *hash;               /* that the token unwraps with */
    char fingerprint[KEK_FINGERPRINT_HEX + 1]; /* SHA-256 of the SubjectPublicKeyInfo, in hex */
};

void kek_clear(struct kek *kek);

/* The row of a name, and the rows one by one, the best first; or NULL. */
const struct kek_hash *kek_hash_find(const char *name);
const struct kek_hash *kek_hash_at(size_t index);

/* Reads a public key in PEM (RFC 7468), RSA of 2048 to 4096 bits. Two lines may stand before it:
 * "oaep-hash: NAME", what its token unwraps with, which is SHA-256 otherwise; and "fingerprint:
 * HEX", which must be its own. Errors: P11_INVALID, P11_MEMORY. */
int kek_read_file(const char *path, struct kek *kek, struct p11_error *error);

/* Reads it from a key object of a token that tells its modulus. kek->hash stays NULL.
 * Errors: P11_KEY, P11_UNAVAILABLE, P11_MEMORY. */
int kek_read_token(const struct token *token, const struct object *object, struct kek *kek,
                   struct p11_error *error);

/* Bytes that fit into one RSA-OAEP encryption (RFC 8017 section 7.1.1). */
size_t kek_room(const struct kek *kek);

/* RSA-OAEP, without a label. `ret_data` has room for KEK_RSA_MAX bytes. Errors: P11_FAILED. */
int kek_encrypt(const struct kek *kek, const unsigned char *data, size_t length,
                unsigned char *ret_data, size_t *ret_length, struct p11_error *error);

/* Prints what kek_read_file reads. Errors: P11_FAILED. */
int kek_print(const struct kek *kek, struct p11_error *error);

#define _cleanup_kek_ __attribute__((cleanup(kek_clear)))

#endif
