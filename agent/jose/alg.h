/* The values of "alg": signatures and key management (RFC 7518 sections 3 and 4, RFC 8037). */
#ifndef HINTSIGN_JOSE_ALG_H
#define HINTSIGN_JOSE_ALG_H

#include "agent/jose/jose.h"

#include <stdbool.h>
#include <stddef.h>

enum alg_family {
    ALG_HMAC,
    ALG_RSA_PKCS1,
    ALG_RSA_PSS, /* the salt as long as the hash */
    ALG_ECDSA,
    ALG_EDDSA,
    ALG_RSA_OAEP,
    ALG_ECDH_ES,
};

/* One row of the table. What is not in it is refused everywhere: "none", "RSA1_5", "dir",
 * symmetric key wrapping, PBES2. */
struct alg {
    const char *name;
    enum alg_family family;
    unsigned key_types;      /* enum keytype_id; 0: a secret */
    enum jose_digest digest; /* of the signature, of RSA-OAEP and of its MGF1 */
    enum jose_cipher wrap;   /* of ECDH-ES, where it wraps the content encryption key */
    size_t wrap_len;         /* bytes of the key that wraps; 0: what is agreed on is that key */
};

/* The row of that name, or NULL. */
const struct alg *alg_find(const char *name);

/* Whether it manages the keys of a JWE; the others sign. */
bool alg_seals(const struct alg *alg);

/* Whether a key of any OpenSSL context may be used so: its type, its curve, its size. The only
 * place that decides it. */
bool alg_fits(const struct alg *alg, const EVP_PKEY *key);

#endif
