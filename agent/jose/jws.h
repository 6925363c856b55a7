/* Verification of signatures and of signed tokens (RFC 7515, RFC 7518 section 3, RFC 8037). */
#ifndef HINTSIGN_JOSE_JWS_H
#define HINTSIGN_JOSE_JWS_H

#include "agent/jose/alg.h"

/* Verifies a signature over `data`, in JOSE's form: of ECDSA r||s, each as long as the order of the
 * curve. Of RSASSA-PSS the salt must be as long as the hash. The key may be of any OpenSSL context
 * and private. Errors: JOSE_MISMATCH (alg signs with a secret or not at all, or the key does not
 * fit it), JOSE_REFUSED (the signature is wrong). */
int jws_verify_signature(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                         const void *data, size_t length, const unsigned char *signature,
                         size_t signature_len);

/* The same for data of which only the hash is known. JOSE_MISMATCH is also for a digest of another
 * length than the algorithm's, and for EdDSA, which has none. */
int jws_verify_digest(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                      const unsigned char *digest, size_t digest_len,
                      const unsigned char *signature, size_t signature_len);

/* Verifies an HMAC, in constant time. Errors: JOSE_MISMATCH, JOSE_REFUSED, JOSE_OPENSSL. */
int jws_verify_mac(const struct jose *jose, const struct alg *alg, const unsigned char *secret,
                   size_t secret_len, const void *data, size_t length, const unsigned char *mac,
                   size_t mac_len);

/* What a token must have been signed with. */
struct jws_key {
    const struct alg *alg; /* the one that is expected, whatever the token says */
    EVP_PKEY *key;         /* or, of HMAC, the secret */
    const unsigned char *secret;
    size_t secret_len;
};

/* Verifies a compact token. Its header may have alg, typ, cty and kid, and nothing else.
 * *ret_payload is malloc'ed and NUL-terminated. Errors: JOSE_INVALID (the form), JOSE_UNSUPPORTED
 * (other members), JOSE_MISMATCH (another alg, or the key does not fit), JOSE_REFUSED,
 * JOSE_MEMORY, JOSE_OPENSSL. */
int jws_verify(const struct jose *jose, const struct jws_key *key, const char *token, size_t length,
               char **ret_payload, size_t *ret_length);

#endif
