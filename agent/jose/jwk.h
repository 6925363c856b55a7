/* Public keys from JSON (RFC 7517, RFC 7518 section 6, RFC 8037). */
#ifndef HINTSIGN_JOSE_JWK_H
#define HINTSIGN_JOSE_JWK_H

#include "agent/jose/jose.h"
#include "agent/jose/keytype.h"

#include <jansson.h>

#define JWK_KID_MAX      256 /* bytes */
#define JWK_NAME_MAX     64  /* bytes of kty, crv, alg and use */
#define JWK_EXPONENT_MAX 4   /* bytes of e */

enum jwk_use {
    JWK_USE_NONE, /* the key does not say */
    JWK_USE_SIG,
    JWK_USE_ENC,
    JWK_USE_OTHER,
};

/* "key_ops", as bits (RFC 7517 section 4.3). */
enum jwk_op {
    JWK_OP_SIGN = 1,
    JWK_OP_VERIFY = 2,
    JWK_OP_ENCRYPT = 4,
    JWK_OP_DECRYPT = 8,
    JWK_OP_WRAP = 16,
    JWK_OP_UNWRAP = 32,
    JWK_OP_DERIVE_KEY = 64,
    JWK_OP_DERIVE_BITS = 128,
    JWK_OPS_ALL = 255, /* the key does not say */
};

/* A public key and what its JWK says of it. Zero-initialise; free with jwk_clear. */
struct jwk {
    EVP_PKEY *key; /* in the context of the struct jose that it was parsed with */
    const struct keytype *type;
    enum jwk_use use;
    unsigned ops; /* enum jwk_op */
    char *kid;    /* or NULL */
    char *alg;    /* any name; or NULL */
};

/* Takes one JWK. Members that mean nothing to us are skipped; x5c and its kind are among them.
 * The key is whole: RSA of 2048 to 8192 bits, odd, with an odd exponent between 3 and 2^32, a point
 * on its curve, coordinates of exactly the curve's size, for X25519 no point of small order.
 * Errors: JOSE_UNSUPPORTED (another kty or crv, RSA of another size), JOSE_PRIVATE (it has
 * members of a private or secret key), JOSE_INVALID, JOSE_MEMORY. *error is a fixed phrase then. */
int jwk_parse(const struct jose *jose, const json_t *json, struct jwk *ret_jwk, const char **error);

void jwk_clear(struct jwk *jwk);

#endif
