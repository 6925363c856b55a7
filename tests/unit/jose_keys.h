/* Keys for the tests of agent/jose, which itself takes no private ones. */
#ifndef HINTSIGN_TESTS_JOSE_KEYS_H
#define HINTSIGN_TESTS_JOSE_KEYS_H

#include "agent/jose/jose.h"

#include <jansson.h>

/* The key of a private JWK, or NULL. Free with EVP_PKEY_free. */
EVP_PKEY *jose_keys_private(const struct jose *jose, const json_t *jwk);

/* A copy of a JWK without its private members. */
json_t *jose_keys_public(const json_t *jwk);

/* A new key: "RSA" (2048 bits), or the crv of a JWK. NULL if there is no such type. */
EVP_PKEY *jose_keys_generate(const struct jose *jose, const char *type);

#endif
