/* Agreement on a key with ECDH-ES (RFC 7518 section 4.6). */
#ifndef HINTSIGN_JOSE_ECDH_H
#define HINTSIGN_JOSE_ECDH_H

#include "agent/jose/jose.h"
#include "agent/jose/keytype.h"

#define ECDH_SECRET_MAX KEYTYPE_SIZE_MAX /* bytes */
#define ECDH_KEY_MAX    64               /* bytes that can be derived */
#define ECDH_NAME_MAX   32               /* bytes of an algorithm's name */
#define ECDH_PARTY_MAX  256              /* bytes of apu and of apv */

/* What the key is bound to. */
struct ecdh_info {
    const char *algorithm; /* the value of enc; of alg where the key wraps another */
    const unsigned char *apu, *apv;
    size_t apu_len, apv_len;
};

/* A key pair on the curve of `peer`. Free with EVP_PKEY_free. Errors: JOSE_OPENSSL. */
int ecdh_generate(const struct jose *jose, EVP_PKEY *peer, EVP_PKEY **ret_key);

/* The x coordinate that both share, as long as the curve's. `peer` must have been checked
 * (jwk_parse does that). Wipe it. Errors: JOSE_REFUSED (the curves differ, or the secret is all
 * zero). */
int ecdh_agree(const struct jose *jose, EVP_PKEY *own, EVP_PKEY *peer,
               unsigned char ret_secret[static ECDH_SECRET_MAX], size_t *ret_length);

/* Agrees and derives a key of `length` bytes, at most ECDH_KEY_MAX, with Concat KDF and SHA-256.
 * Wipe it. Errors: JOSE_REFUSED (as of ecdh_agree), JOSE_INVALID (lengths), JOSE_OPENSSL. */
int ecdh_derive(const struct jose *jose, EVP_PKEY *own, EVP_PKEY *peer,
                const struct ecdh_info *info, size_t length, unsigned char *ret_key);

#endif
