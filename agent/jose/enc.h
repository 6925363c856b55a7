/* The values of "enc": encryption of the content (RFC 7518 section 5). */
#ifndef HINTSIGN_JOSE_ENC_H
#define HINTSIGN_JOSE_ENC_H

#include "agent/jose/jose.h"

#include <stddef.h>

#define ENC_KEY_MAX 64 /* bytes */
#define ENC_IV_MAX  16
#define ENC_TAG_MAX 32
#define ENC_PAD_MAX 16 /* bytes that the ciphertext may be longer than the plaintext */

struct enc;

/* One encryption or decryption. */
struct enc_input {
    const unsigned char *key; /* enc->key_len bytes */
    const unsigned char *iv;  /* enc->iv_len bytes; never twice with the same key */
    const void *aad;          /* what is authenticated along with the content */
    size_t aad_len;
    const void *data; /* the plaintext or the ciphertext */
    size_t length;
};

/* One row of the table. */
struct enc {
    const char *name;
    enum jose_cipher cipher;
    enum jose_digest digest; /* of the CBC rows */
    size_t key_len, iv_len, tag_len;
    size_t block; /* bytes that the plaintext is padded to multiples of; 0: it is not */
    int (*encrypt)(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                   unsigned char *ret_data, unsigned char *ret_tag);
    int (*decrypt)(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                   const unsigned char *tag, unsigned char *ret_data, size_t *ret_length);
};

/* The row of that name, or NULL. */
const struct enc *enc_find(const char *name);

/* How long the ciphertext of so many bytes is. */
size_t enc_length(const struct enc *enc, size_t length);

/* Writes enc_length() and enc->tag_len bytes. Errors: JOSE_INVALID (beyond 2 GiB), JOSE_OPENSSL. */
int enc_encrypt(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                unsigned char *ret_data, unsigned char *ret_tag);

/* `ret_data` has room for input->length bytes. The tag is compared in constant time and before
 * anything is made of the content. Errors: JOSE_REFUSED. */
int enc_decrypt(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                const unsigned char *tag, unsigned char *ret_data, size_t *ret_length);

#endif
