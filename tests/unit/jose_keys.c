/* Makes private keys for tests, and reads them from JWKs. */
#include "config.h"
#include "tests/unit/jose_keys.h"
#include "agent/jose/base64url.h"
#include "agent/jose/keytype.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <string.h>

#define VALUE_MAX 1024

static const struct {
    const char *member;
    const char *param;
} rsa_members[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};
#define RSA_MEMBERS (sizeof rsa_members / sizeof rsa_members[0])

/* The length of a member's bytes; 0 when it is missing or wrong. */
static size_t get_bytes(const json_t *jwk, const char *member, unsigned char data[static VALUE_MAX])
{
    const json_t *value = json_object_get(jwk, member);
    size_t length = json_string_length(value);
    if (BASE64URL_BYTES(length) > VALUE_MAX ||
        base64url_decode(json_string_value(value), length, data) < 0)
        return 0;
    return BASE64URL_BYTES(length);
}

static EVP_PKEY *build(const struct jose *jose, const char *algorithm, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(jose->lib, algorithm, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *private_rsa(const struct jose *jose, const json_t *jwk)
{
    unsigned char data[VALUE_MAX];
    BIGNUM *numbers[RSA_MEMBERS] = {NULL};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    for (size_t i = 0; i < RSA_MEMBERS; i++) {
        size_t length = get_bytes(jwk, rsa_members[i].member, data);
        numbers[i] = BN_bin2bn(data, (int)length, NULL);
        if (length > 0)
            OSSL_PARAM_BLD_push_BN(builder, rsa_members[i].param, numbers[i]);
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *key = build(jose, "RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    for (size_t i = 0; i < RSA_MEMBERS; i++)
        BN_free(numbers[i]);
    return key;
}

static EVP_PKEY *private_ec(const struct jose *jose, const struct keytype *type, const json_t *jwk)
{
    unsigned char point[1 + 2 * VALUE_MAX] = {POINT_CONVERSION_UNCOMPRESSED}, d[VALUE_MAX];
    if (get_bytes(jwk, "x", point + 1) != type->size ||
        get_bytes(jwk, "y", point + 1 + type->size) != type->size)
        return NULL;
    BIGNUM *number = BN_bin2bn(d, (int)get_bytes(jwk, "d", d), NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, type->group, 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * type->size);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *key = build(jose, "EC", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(number);
    return key;
}

static EVP_PKEY *private_okp(const struct jose *jose, const struct keytype *type, const json_t *jwk)
{
    unsigned char d[VALUE_MAX];
    if (get_bytes(jwk, "d", d) != type->size)
        return NULL;
    return EVP_PKEY_new_raw_private_key_ex(jose->lib, type->algorithm, NULL, d, type->size);
}

EVP_PKEY *jose_keys_private(const struct jose *jose, const json_t *jwk)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    const struct keytype *type = kty ? keytype_find(kty, crv) : NULL;
    if (!type)
        return NULL;
    if (type->id == KEYTYPE_RSA)
        return private_rsa(jose, jwk);
    return type->group ? private_ec(jose, type, jwk) : private_okp(jose, type, jwk);
}

json_t *jose_keys_public(const json_t *jwk)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi"};
    json_t *copy = json_copy((json_t *)jwk);
    for (size_t i = 0; i < sizeof private_members / sizeof private_members[0]; i++)
        json_object_del(copy, private_members[i]);
    return copy;
}

EVP_PKEY *jose_keys_generate(const struct jose *jose, const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return EVP_PKEY_Q_keygen(jose->lib, NULL, "RSA", (size_t)KEYTYPE_RSA_BITS_MIN);
    const struct keytype *row = keytype_find(type[0] == 'P' ? "EC" : "OKP", type);
    if (!row)
        return NULL;
    return row->group ? EVP_PKEY_Q_keygen(jose->lib, NULL, row->algorithm, row->group)
                      : EVP_PKEY_Q_keygen(jose->lib, NULL, row->algorithm);
}
