/* A client secret's key, wrapped for one token: what lies in the file between two offices. */
#ifndef HINTSIGN_KEY_WRAPPED_H
#define HINTSIGN_KEY_WRAPPED_H

#include "pkcs11/key/kek.h"

#define WRAPPED_AES_LEN  32 /* bytes of the transport key */
#define WRAPPED_PAD_MAX  16 /* bytes that AES key wrap adds at most */
#define WRAPPED_DATA_MAX (SECRET_MAX + WRAPPED_PAD_MAX)

struct derivation;
struct mech;

struct wrapped {
    char fingerprint[KEK_FINGERPRINT_HEX + 1]; /* of the key that it is wrapped for */
    const struct kek_hash *hash;
    const struct mech *mech;             /* what the key is for */
    const struct derivation *derivation; /* how it was made from the secret, or NULL */
    size_t key_len;                      /* bytes of the key itself */
    /* Where the key is too long for RSA, an AES key is encrypted with RSA instead, and the key
     * with that AES key. */
    unsigned char transport[KEK_RSA_MAX];
    size_t transport_len; /* 0: there is none, and `data` is encrypted with RSA */
    unsigned char data[WRAPPED_DATA_MAX];
    size_t length;
};

/* Wraps a key: RSA-OAEP where it fits, otherwise AES key wrap with padding (RFC 5649) below
 * RSA-OAEP. Sets all but mech and derivation. Errors: P11_FAILED. */
int wrapped_make(const struct kek *kek, const struct secret *key, struct wrapped *ret_wrapped,
                 struct p11_error *error);

/* Prints it as JSON, which wrapped_read reads, and flushes standard output.
 * Errors: P11_MEMORY, P11_FAILED. */
int wrapped_print(const struct wrapped *wrapped, struct p11_error *error);
int wrapped_read(const char *path, struct wrapped *ret_wrapped, struct p11_error *error);

#endif
