/* The table of key types, read both ways: to generate a key, and to describe one. */
#include "config.h"
#include "pkcs11/key/keyspec.h"

#include <stdio.h>
#include <string.h>

#define RSA_BITS_MIN    2048
#define SECRET_LEN_MIN  32   /* bytes; HS256, RFC 7518 section 3.2 */
#define MODULUS_LEN_MAX 2048 /* bytes that we make room for */
#define PARAMS_LEN_MAX  256

static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const unsigned char p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const unsigned char p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const unsigned char ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
/* PKCS #11 v3.0 section 2.3.10 has the curve's name as an alternative. */
static const unsigned char ed25519_name[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
                                             'd',  's',  '2', '5', '5', '1', '9'};

#define RSA(name, bits, use)                                                                       \
    {                                                                                              \
        name, CKO_PRIVATE_KEY, CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, bits, {{0}}, use                \
    }
#define EC(name, params)                                                                           \
    {                                                                                              \
        name, CKO_PRIVATE_KEY, CKK_EC, CKM_EC_KEY_PAIR_GEN, 0, {{params, sizeof params}},          \
            TEMPLATE_SIGN                                                                          \
    }
#define HMAC(name, bytes)                                                                          \
    {                                                                                              \
        name, CKO_SECRET_KEY, CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN, bytes, {{0}},        \
            TEMPLATE_SIGN                                                                          \
    }

static const struct keyspec keyspecs[] = {
    RSA("rsa:2048", 2048, TEMPLATE_SIGN),
    RSA("rsa:3072", 3072, TEMPLATE_SIGN),
    RSA("rsa:4096", 4096, TEMPLATE_SIGN),
    EC("ec:P-256", p256),
    EC("ec:P-384", p384),
    EC("ec:P-521", p521),
    {"ed25519",
     CKO_PRIVATE_KEY,
     CKK_EC_EDWARDS,
     CKM_EC_EDWARDS_KEY_PAIR_GEN,
     0,
     {{ed25519, sizeof ed25519}, {ed25519_name, sizeof ed25519_name}},
     TEMPLATE_SIGN},
    HMAC("hmac:256", 32),
    HMAC("hmac:384", 48),
    HMAC("hmac:512", 64),
    RSA("wrap:rsa:2048", 2048, TEMPLATE_UNWRAP),
    RSA("wrap:rsa:3072", 3072, TEMPLATE_UNWRAP),
    RSA("wrap:rsa:4096", 4096, TEMPLATE_UNWRAP),
};
#define KEYSPECS (sizeof keyspecs / sizeof keyspecs[0])

const struct keyspec *keyspec_find(const char *name)
{
    for (size_t i = 0; i < KEYSPECS; i++)
        if (strcmp(keyspecs[i].name, name) == 0)
            return &keyspecs[i];
    return NULL;
}

/* Asks for one public attribute. Returns its length, or 0 where the token does not tell it. */
static size_t ask(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, const struct object *object,
                  CK_ATTRIBUTE_TYPE type, void *buffer, size_t size)
{
    CK_ATTRIBUTE attribute = {type, buffer, (CK_ULONG)size};
    if (fn->C_GetAttributeValue(session, object->handle, &attribute, 1) != CKR_OK)
        return 0;
    return attribute.ulValueLen <= size ? attribute.ulValueLen : 0;
}

static const char *describe_rsa(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                                const struct object *object, char *name)
{
    unsigned char modulus[MODULUS_LEN_MAX];
    size_t length = ask(fn, session, object, CKA_MODULUS, modulus, sizeof modulus);
    size_t zeros = 0;
    while (zeros < length && modulus[zeros] == 0)
        zeros++;
    size_t bits = (length - zeros) * 8;
    snprintf(name, KEYSPEC_NAME_MAX, bits ? "rsa:%zu" : "rsa", bits);
    return bits && bits < RSA_BITS_MIN ? "is shorter than 2048 bits" : NULL;
}

static const char *describe_curve(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                                  const struct object *object, char *name)
{
    unsigned char params[PARAMS_LEN_MAX];
    size_t length = ask(fn, session, object, CKA_EC_PARAMS, params, sizeof params);
    for (size_t i = 0; i < KEYSPECS * KEYSPEC_PARAMS; i++) {
        const struct keyspec *keyspec = &keyspecs[i / KEYSPEC_PARAMS];
        const struct keyspec_params *known = &keyspec->params[i % KEYSPEC_PARAMS];
        if (keyspec->key_type != object->key_type || !length || known->length != length ||
            memcmp(known->data, params, length) != 0)
            continue;
        snprintf(name, KEYSPEC_NAME_MAX, "%s", keyspec->name);
        return NULL;
    }
    snprintf(name, KEYSPEC_NAME_MAX, "%s", object->key_type == CKK_EC ? "ec" : "edwards");
    return "is on a curve that hintsign does not sign with";
}

static const char *describe_secret(const struct object *object, const char *word, char *name)
{
    if (object->value_len)
        snprintf(name, KEYSPEC_NAME_MAX, "%s:%lu", word, object->value_len * 8);
    else
        snprintf(name, KEYSPEC_NAME_MAX, "%s", word);
    bool is_short = object->value_len && object->value_len < SECRET_LEN_MIN;
    return is_short ? "is shorter than 256 bits (RFC 7518 section 3.2)" : NULL;
}

/* Types that are no use to us have names all the same. */
static const struct secret_word {
    CK_KEY_TYPE key_type;
    const char *word;
    bool signs;
} secret_words[] = {
    {CKK_GENERIC_SECRET, "hmac", true},
    {CKK_SHA256_HMAC, "hmac-sha256", true},
    {CKK_SHA384_HMAC, "hmac-sha384", true},
    {CKK_SHA512_HMAC, "hmac-sha512", true},
    {CKK_AES, "aes", false},
    {CKK_DES3, "des3", false},
};

static const char *describe_other(const struct object *object, char *name)
{
    static const char unknown[] = "is not of a type that hintsign signs with";
    for (size_t i = 0; i < sizeof secret_words / sizeof secret_words[0]; i++) {
        const struct secret_word *row = &secret_words[i];
        if (row->key_type != object->key_type)
            continue;
        const char *unfit = describe_secret(object, row->word, name);
        return row->signs ? unfit : unknown;
    }
    snprintf(name, KEYSPEC_NAME_MAX, "0x%lx", object->key_type);
    return unknown;
}

const char *keyspec_describe(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                             const struct object *object, char name[static KEYSPEC_NAME_MAX])
{
    if (object->key_type == CKK_RSA)
        return describe_rsa(fn, session, object, name);
    if (object->key_type == CKK_EC || object->key_type == CKK_EC_EDWARDS)
        return describe_curve(fn, session, object, name);
    return describe_other(object, name);
}
