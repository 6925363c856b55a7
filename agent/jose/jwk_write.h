/* Public keys as JSON text, and their thumbprints (RFC 7517, RFC 7638). */
#ifndef HINTSIGN_JOSE_JWK_WRITE_H
#define HINTSIGN_JOSE_JWK_WRITE_H

#include "agent/jose/jose.h"

#define JWK_THUMBPRINT_LENGTH 43 /* characters */

/* Writes a public key of any OpenSSL context, or the public half of a private one, as JSON without
 * white space: kty, then n, e or crv, x, y, then kid, use and alg where they are not NULL.
 * *ret_text is malloc'ed. Errors: JOSE_UNSUPPORTED (another type or size), JOSE_INVALID (kid, use
 * or alg are not UTF-8), JOSE_MEMORY, JOSE_OPENSSL. */
int jwk_write(const EVP_PKEY *key, const char *kid, const char *use, const char *alg,
              char **ret_text, size_t *ret_length);

/* The thumbprint with SHA-256 in base64url, NUL-terminated: the kid that we give our own keys.
 * Errors as of jwk_write. */
int jwk_write_thumbprint(const struct jose *jose, const EVP_PKEY *key,
                         char ret_thumbprint[static JWK_THUMBPRINT_LENGTH + 1]);

#endif
