/* The table of algorithms that sign and that manage keys, and which keys fit them. */
#include "config.h"
#include "agent/jose/alg.h"
#include "agent/jose/keytype.h"

#include <string.h>

#define ALG_CURVES (KEYTYPE_P256 | KEYTYPE_P384 | KEYTYPE_P521 | KEYTYPE_X25519)

static const struct alg algs[] = {
    {"HS256", ALG_HMAC, 0, JOSE_SHA256, 0, 0},
    {"HS384", ALG_HMAC, 0, JOSE_SHA384, 0, 0},
    {"HS512", ALG_HMAC, 0, JOSE_SHA512, 0, 0},
    {"RS256", ALG_RSA_PKCS1, KEYTYPE_RSA, JOSE_SHA256, 0, 0},
    {"RS384", ALG_RSA_PKCS1, KEYTYPE_RSA, JOSE_SHA384, 0, 0},
    {"RS512", ALG_RSA_PKCS1, KEYTYPE_RSA, JOSE_SHA512, 0, 0},
    {"PS256", ALG_RSA_PSS, KEYTYPE_RSA, JOSE_SHA256, 0, 0},
    {"PS384", ALG_RSA_PSS, KEYTYPE_RSA, JOSE_SHA384, 0, 0},
    {"PS512", ALG_RSA_PSS, KEYTYPE_RSA, JOSE_SHA512, 0, 0},
    {"ES256", ALG_ECDSA, KEYTYPE_P256, JOSE_SHA256, 0, 0},
    {"ES384", ALG_ECDSA, KEYTYPE_P384, JOSE_SHA384, 0, 0},
    {"ES512", ALG_ECDSA, KEYTYPE_P521, JOSE_SHA512, 0, 0},
    {"EdDSA", ALG_EDDSA, KEYTYPE_ED25519, 0, 0, 0},
    {"RSA-OAEP", ALG_RSA_OAEP, KEYTYPE_RSA, JOSE_SHA1, 0, 0},
    {"RSA-OAEP-256", ALG_RSA_OAEP, KEYTYPE_RSA, JOSE_SHA256, 0, 0},
    {"ECDH-ES", ALG_ECDH_ES, ALG_CURVES, JOSE_SHA256, 0, 0},
    {"ECDH-ES+A128KW", ALG_ECDH_ES, ALG_CURVES, JOSE_SHA256, JOSE_AES128_WRAP, 16},
    {"ECDH-ES+A256KW", ALG_ECDH_ES, ALG_CURVES, JOSE_SHA256, JOSE_AES256_WRAP, 32},
};

const struct alg *alg_find(const char *name)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (strcmp(algs[i].name, name) == 0)
            return &algs[i];
    return NULL;
}

bool alg_seals(const struct alg *alg)
{
    return alg->family == ALG_RSA_OAEP || alg->family == ALG_ECDH_ES;
}

bool alg_fits(const struct alg *alg, const EVP_PKEY *key)
{
    const struct keytype *type = keytype_of(key);
    return type && (alg->key_types & (unsigned)type->id) != 0;
}
