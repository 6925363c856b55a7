/* Writes public keys as JSON, and computes their thumbprints. */
#include "config.h"
#include "agent/jose/jwk_write.h"
#include "agent/jose/base64url.h"
#include "agent/jose/keytype.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX       (KEYTYPE_RSA_BITS_MAX / 8)
#define THUMBPRINT_SIZE 32 /* bytes of SHA-256 */

static int set_bytes(json_t *json, const char *name, const unsigned char *data, size_t length)
{
    char text[BASE64URL_LENGTH(BYTES_MAX)];
    base64url_encode(data, length, text);
    json_t *value = json_stringn_nocheck(text, BASE64URL_LENGTH(length));
    return json_object_set_new(json, name, value) == 0 ? 0 : JOSE_MEMORY;
}

/* `size` bytes with leading zeros; as few as the number needs where it is 0. */
static int set_number(json_t *json, const char *name, const EVP_PKEY *key, const char *param,
                      size_t size)
{
    unsigned char data[BYTES_MAX];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key, param, &number) != 1)
        return jose_failed(JOSE_OPENSSL);
    int length = size > 0 ? (int)size : BN_num_bytes(number);
    bool done = length <= BYTES_MAX && BN_bn2binpad(number, data, length) == length;
    BN_free(number);
    return done ? set_bytes(json, name, data, (size_t)length) : jose_failed(JOSE_OPENSSL);
}

static int set_rsa(json_t *json, const struct keytype *type, const EVP_PKEY *key)
{
    int r = set_number(json, "n", key, OSSL_PKEY_PARAM_RSA_N, type->size);
    return r < 0 ? r : set_number(json, "e", key, OSSL_PKEY_PARAM_RSA_E, type->size);
}

static int set_ec(json_t *json, const struct keytype *type, const EVP_PKEY *key)
{
    int r = set_number(json, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, type->size);
    return r < 0 ? r : set_number(json, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, type->size);
}

static int set_okp(json_t *json, const struct keytype *type, const EVP_PKEY *key)
{
    unsigned char data[KEYTYPE_SIZE_MAX];
    size_t length = sizeof data;
    if (EVP_PKEY_get_raw_public_key(key, data, &length) != 1 || length != type->size)
        return jose_failed(JOSE_OPENSSL);
    return set_bytes(json, "x", data, length);
}

/* A string that the caller gave; NULL is left out. */
static int set_text(json_t *json, const char *name, const char *text)
{
    if (!text)
        return 0;
    json_t *value = json_string(text);
    if (!value)
        return JOSE_INVALID;
    return json_object_set_new(json, name, value) == 0 ? 0 : JOSE_MEMORY;
}

/* kty and what its type requires, which is what a thumbprint is made of. */
static int set_key(json_t *json, const EVP_PKEY *key)
{
    const struct keytype *type = keytype_of(key);
    if (!type)
        return jose_failed(JOSE_UNSUPPORTED);
    int r = set_text(json, "kty", type->kty);
    if (r == 0)
        r = set_text(json, "crv", type->crv);
    if (r < 0)
        return r;
    if (type->group)
        return set_ec(json, type, key);
    return type->size > 0 ? set_okp(json, type, key) : set_rsa(json, type, key);
}

static int dump(json_t *json, size_t flags, char **ret_text)
{
    char *text = json_dumps(json, JSON_COMPACT | flags);
    if (!text)
        return JOSE_MEMORY;
    *ret_text = text;
    return 0;
}

int jwk_write(const EVP_PKEY *key, const char *kid, const char *use, const char *alg,
              char **ret_text, size_t *ret_length)
{
    json_t *json = json_object();
    char *text = NULL;
    int r = json ? set_key(json, key) : JOSE_MEMORY;
    if (r == 0)
        r = set_text(json, "kid", kid);
    if (r == 0)
        r = set_text(json, "use", use);
    if (r == 0)
        r = set_text(json, "alg", alg);
    if (r == 0)
        r = dump(json, 0, &text);
    json_decref(json);
    if (r < 0)
        return r;
    *ret_length = strlen(text);
    *ret_text = text;
    return 0;
}

/* RFC 7638 section 3: the required members alone, ordered by their names. */
static int required_members(const EVP_PKEY *key, char **ret_text)
{
    json_t *json = json_object();
    int r = json ? set_key(json, key) : JOSE_MEMORY;
    if (r == 0)
        r = dump(json, JSON_SORT_KEYS, ret_text);
    json_decref(json);
    return r;
}

int jwk_write_thumbprint(const struct jose *jose, const EVP_PKEY *key,
                         char ret_thumbprint[static JWK_THUMBPRINT_LENGTH + 1])
{
    char *text = NULL;
    unsigned char digest[THUMBPRINT_SIZE];
    int r = required_members(key, &text);
    if (r < 0)
        return r;
    bool done = EVP_Digest(text, strlen(text), digest, NULL, jose->digests[JOSE_SHA256], NULL) == 1;
    free(text);
    if (!done)
        return jose_failed(JOSE_OPENSSL);
    base64url_encode(digest, sizeof digest, ret_thumbprint);
    ret_thumbprint[JWK_THUMBPRINT_LENGTH] = '\0';
    return 0;
}
