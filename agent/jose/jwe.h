/* Encrypted tokens in compact serialization (RFC 7516). */
#ifndef HINTSIGN_JOSE_JWE_H
#define HINTSIGN_JOSE_JWE_H

#include "agent/jose/alg.h"
#include "agent/jose/enc.h"

#include <stddef.h>

#define JWE_PLAINTEXT_MAX ((size_t)128 * 1024) /* bytes */

/* To whom tokens are encrypted, and how; constant, so threads may share it. */
struct jwe_recipient;

/* Prepares what depends on the recipient alone. `key` is a public key as jwk_parse gives it; it is
 * kept by reference. `kid` goes into the header and may be NULL. `jose` must outlive the recipient.
 * Free with jwe_recipient_free. Errors: JOSE_MISMATCH (alg does not manage keys, or the key does
 * not fit it), JOSE_INVALID (kid is too long or not UTF-8), JOSE_MEMORY, JOSE_OPENSSL. */
int jwe_recipient_new(const struct jose *jose, const struct alg *alg, const struct enc *enc,
                      EVP_PKEY *key, const char *kid, struct jwe_recipient **ret_recipient);

/* NULL is allowed. */
void jwe_recipient_free(struct jwe_recipient *recipient);

/* Encrypts a JWT. The protected header is {"alg","enc","kid","cty":"JWT"}, with "epk" behind them
 * where the algorithm has one. *ret_token is malloc'ed and NUL-terminated.
 * Errors: JOSE_INVALID (longer than JWE_PLAINTEXT_MAX), JOSE_MEMORY, JOSE_OPENSSL. */
int jwe_seal(const struct jwe_recipient *recipient, const void *plaintext, size_t length,
             char **ret_token, size_t *ret_length);

/* Decrypts a token with the private key, whichever of our algorithms it names. The header may have
 * alg, enc, kid, typ, cty, epk, apu and apv, and nothing else. Whether the key or the content was
 * wrong cannot be told apart. *ret_plaintext is malloc'ed and NUL-terminated; wipe it where it is
 * secret. Errors: JOSE_INVALID (the form), JOSE_UNSUPPORTED (algorithms, members),
 * JOSE_MISMATCH (the key does not fit), JOSE_REFUSED, JOSE_MEMORY, JOSE_OPENSSL. */
int jwe_open(const struct jose *jose, EVP_PKEY *key, const char *token, size_t length,
             char **ret_plaintext, size_t *ret_length);

#endif
