/* Content encryption keys under other keys: RSA-OAEP and AES key wrap (RFC 7518 sections 4.3
 * and 4.4). */
#ifndef HINTSIGN_JOSE_WRAP_H
#define HINTSIGN_JOSE_WRAP_H

#include "agent/jose/alg.h"
#include "agent/jose/keytype.h"

#define WRAP_LENGTH_MAX (KEYTYPE_RSA_BITS_MAX / 8) /* bytes of a wrapped key */
#define WRAP_AES_MORE   8                          /* bytes that AES key wrap adds */

/* A context that is ready to encrypt to an RSA key, to be used as a template by any number of
 * threads. Free with EVP_PKEY_CTX_free. Errors: JOSE_OPENSSL. */
int wrap_rsa_prepare(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                     EVP_PKEY_CTX **ret_template);

/* Encrypts a key; the result is as long as the modulus. Errors: JOSE_OPENSSL. */
int wrap_rsa(const EVP_PKEY_CTX *template, const unsigned char *cek, size_t cek_len,
             unsigned char ret_wrapped[static WRAP_LENGTH_MAX], size_t *ret_length);

/* Decrypts a key that must have exactly `cek_len` bytes. Errors: JOSE_REFUSED. */
int wrap_rsa_open(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                  const unsigned char *wrapped, size_t length, size_t cek_len,
                  unsigned char *ret_cek);

/* Wraps a key with one of alg->wrap_len bytes; the result has cek_len + WRAP_AES_MORE bytes.
 * Errors: JOSE_OPENSSL. */
int wrap_aes(const struct jose *jose, const struct alg *alg, const unsigned char *key,
             const unsigned char *cek, size_t cek_len, unsigned char *ret_wrapped);

/* Unwraps a key that must have exactly `cek_len` bytes. Errors: JOSE_REFUSED. */
int wrap_aes_open(const struct jose *jose, const struct alg *alg, const unsigned char *key,
                  const unsigned char *wrapped, size_t length, size_t cek_len,
                  unsigned char *ret_cek);

#endif
