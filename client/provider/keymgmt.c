/* OSSL_OP_KEYMGMT: RSA, EC and Ed25519 keys. What concerns the public half alone is asked of the
 * provider that holds it; a private half is neither given nor taken. */
#include "config.h"
#include "client/provider/key.h"
#include "client/provider/operations.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

static void *new_rsa(void *provctx)
{
    return key_new(provctx, KEY_RSA);
}

static void *new_ec(void *provctx)
{
    return key_new(provctx, KEY_EC);
}

static void *new_ed25519(void *provctx)
{
    return key_new(provctx, KEY_ED25519);
}

static void free_key(void *key)
{
    key_unref(key);
}

/* The reference is the pointer that store.c offers, and keeps: OpenSSL gets a count of its own. */
static void *load(const void *reference, size_t size)
{
    struct key *key;
    if (size != sizeof key)
        return NULL;
    memcpy(&key, reference, sizeof key);
    return key_ref(key);
}

static int has(const void *keydata, int selection)
{
    const struct key *key = keydata;
    if (!key)
        return 0;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && !key->profile)
        return 0;
    return key->public_key ||
           !(selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS));
}

static int match(const void *keydata1, const void *keydata2, int selection)
{
    const struct key *a = keydata1, *b = keydata2;
    if (a->type != b->type || !a->public_key || !b->public_key)
        return 0;
    if (selection & OSSL_KEYMGMT_SELECT_KEYPAIR)
        return EVP_PKEY_eq(a->public_key, b->public_key) == 1;
    return a->type != KEY_EC || EVP_PKEY_parameters_eq(a->public_key, b->public_key) == 1;
}

static void *dup(const void *keydata, int selection)
{
    struct key *key = (struct key *)keydata;
    if (!key->public_key || selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
        return key_ref(key);
    struct key *half = key_new(key->provider, key->type);
    if (half && EVP_PKEY_up_ref(key->public_key) == 1)
        key_set_public(half, key->public_key);
    return half;
}

/* OpenSSL brings public halves here to compare them, as that of a certificate with our key. */
static int import(void *keydata, int selection, const OSSL_PARAM params[])
{
    struct key *key = keydata;
    EVP_PKEY *public_key = NULL;
    if (!(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) ||
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_D) ||
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY))
        return 0;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key->provider->library,
                                                       algorithm_key_type(key->type), CORE_OTHERS);
    int good =
        context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &public_key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) == 1;
    EVP_PKEY_CTX_free(context);
    if (good)
        key_set_public(key, public_key);
    return good;
}

/* Who wants the private half as well gets nothing: otherwise OpenSSL would let another provider
 * sign, with half a key. */
static int export(void *keydata, int selection, OSSL_CALLBACK *give, void *argument)
{
    const struct key *key = keydata;
    OSSL_PARAM *params = NULL;
    if (!key->public_key || (key->profile && selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
        return 0;
    int wanted =
        selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS;
    if (EVP_PKEY_todata(key->public_key, wanted, &params) != 1)
        return 0;
    int r = give(params, argument);
    OSSL_PARAM_free(params);
    return r;
}

static const OSSL_PARAM *public_types(int selection)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS)
               ? params
               : NULL;
}

static const OSSL_PARAM *gettable_params(void *provctx)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provctx;
    return params;
}

/* With an EC key the agent signs hashes of its curve's own algorithm alone, so that is the default;
 * Ed25519 has none. */
static int get_params(void *keydata, OSSL_PARAM params[])
{
    const struct key *key = keydata;
    OSSL_PARAM *digest = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST);
    const struct algorithm *algorithm = algorithm_find(key->type, key->curve, false, NULL);
    if (!key->public_key || EVP_PKEY_get_params(key->public_key, params) != 1)
        return 0;
    return !digest || !algorithm || !algorithm->digest ||
           OSSL_PARAM_set_utf8_string(digest, algorithm->digest);
}

static const char *query_ec(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

#define FUNCTIONS(new)                                                                             \
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void)) new},                                                 \
        {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))free_key},                                        \
        {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load},                                            \
        {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has},                                              \
        {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))match},                                          \
        {OSSL_FUNC_KEYMGMT_DUP, (void (*)(void))dup},                                              \
        {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))import},                                        \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))public_types},                            \
        {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void)) export},                                       \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))public_types},                            \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))get_params},                                \
    {                                                                                              \
        OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_params                         \
    }

static const OSSL_DISPATCH rsa_functions[] = {FUNCTIONS(new_rsa), {0, NULL}};
static const OSSL_DISPATCH ec_functions[] = {
    FUNCTIONS(new_ec),
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))query_ec},
    {0, NULL},
};
static const OSSL_DISPATCH ed25519_functions[] = {FUNCTIONS(new_ed25519), {0, NULL}};

const OSSL_ALGORITHM keymgmt_algorithms[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", CORE_OURS, rsa_functions, "RSA keys"},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", CORE_OURS, ec_functions, "EC keys"},
    {"ED25519:1.3.101.112", CORE_OURS, ed25519_functions, "Ed25519 keys"},
    {NULL, NULL, NULL, NULL},
};
