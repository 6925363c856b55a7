/* Public keys that a test wraps for, as the files that hintsign-key reads. */
#ifndef HINTSIGN_TESTS_KEK_GIVEN_H
#define HINTSIGN_TESTS_KEK_GIVEN_H

#include <openssl/evp.h>

/* A pair of 2048 bits; to be freed. */
EVP_PKEY *kek_given_pair(void);

/* A public key, "RSA" or "RSA-PSS", with a modulus of so many bits, which is no product of primes
 * that anybody knows; to be freed. */
EVP_PKEY *kek_given_bits(const char *type, int bits);

/* Writes the public key in PEM behind the text `before` into a file of the scratch folder. Returns
 * its path. */
const char *kek_given_file(EVP_PKEY *key, const char *before);

/* The fingerprint in hex: SHA-256 of the SubjectPublicKeyInfo. Lasts until the next call. */
const char *kek_given_fingerprint(EVP_PKEY *key);

#endif
