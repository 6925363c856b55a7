/* Reads one public key from JSON, strictly. */
#include "config.h"
#include "agent/jose/jwk.h"
#include "agent/jose/base64url.h"
#include "agent/jose/ecdh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MODULUS_MAX (KEYTYPE_RSA_BITS_MAX / 8)

/* Every member that some type of key keeps to itself (RFC 7518 sections 6.2.2, 6.3.2, 6.4). */
static const char *const private_members[] = {
    "d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv",
};

static const struct {
    const char *name;
    enum jwk_op op;
} op_names[] = {
    {"sign", JWK_OP_SIGN},
    {"verify", JWK_OP_VERIFY},
    {"encrypt", JWK_OP_ENCRYPT},
    {"decrypt", JWK_OP_DECRYPT},
    {"wrapKey", JWK_OP_WRAP},
    {"unwrapKey", JWK_OP_UNWRAP},
    {"deriveKey", JWK_OP_DERIVE_KEY},
    {"deriveBits", JWK_OP_DERIVE_BITS},
};

static int fail(const char **error, int code, const char *phrase)
{
    *error = phrase;
    return code;
}

/* A string, or NULL where the member is missing. */
static int take_text(const json_t *json, const char *name, size_t max, const char **ret_text)
{
    const json_t *value = json_object_get(json, name);
    if (value && (!json_is_string(value) || json_string_length(value) > max))
        return JOSE_INVALID;
    *ret_text = json_string_value(value);
    return 0;
}

/* A string of `min` to `max` bytes in base64url. */
static int take_bytes(const json_t *json, const char *name, size_t min, size_t max,
                      unsigned char *ret_data, size_t *ret_length)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_string(value))
        return JOSE_INVALID;
    size_t length = BASE64URL_BYTES(json_string_length(value));
    if (length < min || length > max)
        return JOSE_INVALID;
    *ret_length = length;
    return base64url_decode(json_string_value(value), json_string_length(value), ret_data);
}

/* A number without leading zero bytes (RFC 7518 section 2). */
static int take_number(const json_t *json, const char *name, size_t max, BIGNUM **ret_number)
{
    unsigned char data[MODULUS_MAX];
    size_t length;
    if (take_bytes(json, name, 1, max, data, &length) < 0 || data[0] == 0)
        return JOSE_INVALID;
    BIGNUM *number = BN_bin2bn(data, (int)length, NULL);
    if (!number)
        return jose_failed(JOSE_MEMORY);
    *ret_number = number;
    return 0;
}

static int build_key(const struct jose *jose, const struct keytype *type, OSSL_PARAM *params,
                     EVP_PKEY **ret_key, const char **error)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(jose->lib, type->algorithm, NULL);
    if (!ctx)
        return fail(error, jose_failed(JOSE_UNSUPPORTED), "OpenSSL has no such type of key");
    EVP_PKEY *key = NULL;
    bool done = EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!done)
        return fail(error, jose_failed(JOSE_INVALID), "it is not a key of its type");
    *ret_key = key;
    return 0;
}

static int build_rsa(const struct jose *jose, const struct keytype *type, const BIGNUM *n,
                     const BIGNUM *e, EVP_PKEY **ret_key, const char **error)
{
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    OSSL_PARAM_BLD_free(builder);
    if (!params)
        return fail(error, jose_failed(JOSE_MEMORY), "out of memory");
    int r = build_key(jose, type, params, ret_key, error);
    OSSL_PARAM_free(params);
    return r;
}

static int read_rsa(const struct jose *jose, const struct keytype *type, const json_t *json,
                    EVP_PKEY **ret_key, const char **error)
{
    BIGNUM *n = NULL, *e = NULL;
    int r = take_number(json, "n", MODULUS_MAX, &n);
    if (r == 0)
        r = take_number(json, "e", JWK_EXPONENT_MAX, &e);
    if (r < 0)
        fail(error, r, "n or e is missing, too long or not a number in base64url");
    else if (BN_num_bits(n) < KEYTYPE_RSA_BITS_MIN)
        r = fail(error, JOSE_UNSUPPORTED, "it is an RSA key of less than 2048 bits");
    else if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
        r = fail(error, JOSE_INVALID, "n or e is not an odd number above 1");
    else
        r = build_rsa(jose, type, n, e, ret_key, error);
    BN_free(e);
    BN_free(n);
    return r;
}

/* OpenSSL wants the point of an EC key as 4, x, y (SEC 1 section 2.3.3), the others as they are. */
static int read_point(const struct jose *jose, const struct keytype *type, const json_t *json,
                      EVP_PKEY **ret_key, const char **error)
{
    unsigned char point[1 + 2 * KEYTYPE_SIZE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    unsigned char *x = type->group ? point + 1 : point;
    size_t length = type->size, y_length;
    if (take_bytes(json, "x", type->size, type->size, x, &length) < 0)
        return fail(error, JOSE_INVALID, "x is missing or not of its curve's size in base64url");
    if (type->group) {
        if (take_bytes(json, "y", type->size, type->size, x + type->size, &y_length) < 0)
            return fail(error, JOSE_INVALID,
                        "y is missing or not of its curve's size in base64url");
        length = 1 + 2 * type->size;
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, length),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    if (type->group)
        params[1] =
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)type->group, 0);
    return build_key(jose, type, params, ret_key, error);
}

/* X25519 with a point of small order: whoever sent it knows the secret, all zero. */
static bool agrees(const struct jose *jose, EVP_PKEY *key)
{
    unsigned char secret[ECDH_SECRET_MAX];
    size_t length;
    EVP_PKEY *own = NULL;
    bool done =
        ecdh_generate(jose, key, &own) == 0 && ecdh_agree(jose, own, key, secret, &length) == 0;
    OPENSSL_cleanse(secret, sizeof secret);
    EVP_PKEY_free(own);
    return done;
}

/* The point is on its curve. Of RSA nothing is left to check: to show that a modulus has no small
 * factors takes OpenSSL a fifth of a second at 8192 bits, and only its owner is harmed. */
static bool is_sound(const struct jose *jose, const struct keytype *type, EVP_PKEY *key)
{
    if (keytype_of(key) != type)
        return false;
    if (type->id == KEYTYPE_RSA)
        return true;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(jose->lib, key, NULL);
    bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (sound && type->id == KEYTYPE_X25519)
        sound = agrees(jose, key);
    if (!sound)
        jose_failed(0);
    return sound;
}

static int read_key(const struct jose *jose, const json_t *json, struct jwk *jwk,
                    const char **error)
{
    const char *kty = NULL, *crv = NULL;
    if (take_text(json, "kty", JWK_NAME_MAX, &kty) < 0 || !kty)
        return fail(error, JOSE_INVALID, "kty is missing or not a string");
    if (take_text(json, "crv", JWK_NAME_MAX, &crv) < 0)
        return fail(error, JOSE_INVALID, "crv is not a string");
    jwk->type = keytype_find(kty, crv);
    if (!jwk->type)
        return fail(error, JOSE_UNSUPPORTED, "its kty or crv is not among those supported");
    int r = jwk->type->size == 0 ? read_rsa(jose, jwk->type, json, &jwk->key, error)
                                 : read_point(jose, jwk->type, json, &jwk->key, error);
    if (r == 0 && !is_sound(jose, jwk->type, jwk->key))
        r = fail(error, JOSE_INVALID, "it is not a sound key: a point off its curve, for example");
    return r;
}

static enum jwk_use use_of(const char *use)
{
    if (!use)
        return JWK_USE_NONE;
    if (strcmp(use, "sig") == 0)
        return JWK_USE_SIG;
    return strcmp(use, "enc") == 0 ? JWK_USE_ENC : JWK_USE_OTHER;
}

static unsigned op_of(const char *name)
{
    for (size_t i = 0; i < sizeof op_names / sizeof op_names[0]; i++)
        if (strcmp(op_names[i].name, name) == 0)
            return (unsigned)op_names[i].op;
    return 0;
}

static int read_ops(const json_t *json, unsigned *ret_ops)
{
    const json_t *list = json_object_get(json, "key_ops"), *name;
    unsigned ops = 0;
    size_t i;
    if (list && !json_is_array(list))
        return JOSE_INVALID;
    json_array_foreach(list, i, name)
    {
        if (!json_is_string(name))
            return JOSE_INVALID;
        unsigned op = op_of(json_string_value(name));
        if (op & ops)
            return JOSE_INVALID;
        ops |= op;
    }
    *ret_ops = list ? ops : JWK_OPS_ALL;
    return 0;
}

static int copy_text(const char *text, char **ret_copy)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return JOSE_MEMORY;
    *ret_copy = copy;
    return 0;
}

static int read_description(const json_t *json, struct jwk *jwk, const char **error)
{
    const char *kid = NULL, *alg = NULL, *use = NULL;
    if (take_text(json, "kid", JWK_KID_MAX, &kid) < 0)
        return fail(error, JOSE_INVALID, "kid is not a string, or a very long one");
    if (take_text(json, "alg", JWK_NAME_MAX, &alg) < 0)
        return fail(error, JOSE_INVALID, "alg is not a string, or a very long one");
    if (take_text(json, "use", JWK_NAME_MAX, &use) < 0)
        return fail(error, JOSE_INVALID, "use is not a string, or a very long one");
    if (read_ops(json, &jwk->ops) < 0)
        return fail(error, JOSE_INVALID, "key_ops is not an array of different strings");
    jwk->use = use_of(use);
    if (copy_text(kid, &jwk->kid) < 0 || copy_text(alg, &jwk->alg) < 0)
        return fail(error, JOSE_MEMORY, "out of memory");
    return 0;
}

int jwk_parse(const struct jose *jose, const json_t *json, struct jwk *ret_jwk, const char **error)
{
    if (!json_is_object(json))
        return fail(error, JOSE_INVALID, "it is not an object");
    for (size_t i = 0; i < sizeof private_members / sizeof private_members[0]; i++)
        if (json_object_get(json, private_members[i]))
            return fail(error, JOSE_PRIVATE, "it has members of a private or secret key");
    struct jwk jwk = {0};
    int r = read_description(json, &jwk, error);
    if (r == 0)
        r = read_key(jose, json, &jwk, error);
    if (r < 0) {
        jwk_clear(&jwk);
        return r;
    }
    *ret_jwk = jwk;
    return 0;
}

void jwk_clear(struct jwk *jwk)
{
    EVP_PKEY_free(jwk->key);
    free(jwk->kid);
    free(jwk->alg);
    *jwk = (struct jwk){0};
}
