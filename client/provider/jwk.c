/* Reads the one key of a JWK Set into an OpenSSL key. */
#include "config.h"
#include "client/provider/jwk.h"
#include "client/provider/core.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#define BYTES_MAX 1024 /* of a member: RSA 8192 */

/* One row for each sort of key that the agent has. */
struct sort {
    const char *kty;
    const char *crv; /* or NULL */
    enum key_type type;
    const char *curve; /* as OpenSSL names it, or NULL */
    size_t length;     /* of a coordinate, or of the key: bytes; 0: any */
};

static const struct sort sorts[] = {
    {"RSA", NULL, KEY_RSA, NULL, 0},           {"EC", "P-256", KEY_EC, "prime256v1", 32},
    {"EC", "P-384", KEY_EC, "secp384r1", 48},  {"EC", "P-521", KEY_EC, "secp521r1", 66},
    {"OKP", "Ed25519", KEY_ED25519, NULL, 32},
};

static bool is(const json_t *jwk, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    return !value || (text && strcmp(text, value) == 0);
}

static int value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *place = c ? strchr(alphabet, c) : NULL;
    return place ? (int)(place - alphabet) : -1;
}

/* Decodes base64url (RFC 7515 section 2). Returns how many bytes, 0 where it is none. */
static size_t take(const json_t *jwk, const char *name, unsigned char *ret_bytes, size_t size)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    size_t length = 0;
    unsigned bits = 0, bit_count = 0;
    for (; text && *text; text++) {
        int value = value_of(*text);
        if (value < 0)
            return 0;
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        if (length == size)
            return 0;
        bit_count -= 8;
        ret_bytes[length++] = (unsigned char)(bits >> bit_count);
    }
    return length;
}

/* Numbers live in the builder until the parameters are made. */
static int push_rsa(OSSL_PARAM_BLD *builder, const json_t *jwk, BIGNUM **n, BIGNUM **e)
{
    unsigned char bytes[BYTES_MAX];
    size_t length = take(jwk, "n", bytes, sizeof bytes);
    *n = length ? BN_bin2bn(bytes, (int)length, NULL) : NULL;
    length = take(jwk, "e", bytes, sizeof bytes);
    *e = length ? BN_bin2bn(bytes, (int)length, NULL) : NULL;
    return *n && *e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, *n) &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, *e);
}

/* The point uncompressed (SEC 1 section 2.3.3), or Ed25519's bytes as they are. */
static int push_point(OSSL_PARAM_BLD *builder, const json_t *jwk, const struct sort *sort,
                      unsigned char bytes[static BYTES_MAX])
{
    size_t length = sort->length;
    bytes[0] = 0x04;
    if (take(jwk, "x", bytes + 1, length) != length)
        return 0;
    if (sort->type == KEY_ED25519)
        return OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, bytes + 1,
                                                length);
    return take(jwk, "y", bytes + 1 + length, length) == length &&
           OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, sort->curve, 0) &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                            1 + 2 * length);
}

static EVP_PKEY *make(OSSL_LIB_CTX *library, const struct sort *sort, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(library, algorithm_key_type(sort->type), CORE_OTHERS);
    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *read_key(OSSL_LIB_CTX *library, const json_t *jwk, const struct sort *sort)
{
    unsigned char bytes[BYTES_MAX];
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int good = builder && (sort->type == KEY_RSA ? push_rsa(builder, jwk, &n, &e)
                                                 : push_point(builder, jwk, sort, bytes));
    OSSL_PARAM *params = good ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    if (params)
        key = make(library, sort, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

int jwk_read_only(OSSL_LIB_CTX *library, const char *json, enum key_type *ret_type,
                  const char **ret_curve, EVP_PKEY **ret_key)
{
    json_t *set = json_loads(json, 0, NULL);
    const json_t *keys = json_object_get(set, "keys"), *jwk = json_array_get(keys, 0);
    EVP_PKEY *key = NULL;
    for (size_t i = 0; json_array_size(keys) == 1 && i < sizeof sorts / sizeof sorts[0]; i++) {
        if (!is(jwk, "kty", sorts[i].kty) || !is(jwk, "crv", sorts[i].crv))
            continue;
        key = read_key(library, jwk, &sorts[i]);
        *ret_type = sorts[i].type;
        *ret_curve = sorts[i].curve;
    }
    json_decref(set);
    *ret_key = key;
    return key != NULL;
}
