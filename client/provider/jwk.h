/* A public key out of the agent's JWK Set, as an OpenSSL key. */
#ifndef HINTSIGN_PROVIDER_JWK_H
#define HINTSIGN_PROVIDER_JWK_H

#include "client/provider/algorithm.h"

/* Reads a set (RFC 7517) that has exactly one key: RSA, EC on P-256, P-384 or P-521, or Ed25519.
 * *ret_curve is static, or NULL. Returns 1, or 0 where the set is another one or OpenSSL does not
 * take the key. The caller frees *ret_key with EVP_PKEY_free. */
int jwk_read_only(OSSL_LIB_CTX *library, const char *json, enum key_type *ret_type,
                  const char **ret_curve, EVP_PKEY **ret_key);

#endif
