/* Takes and tells the parameters of a signature, and finds the algorithm that they amount to. */
#include "config.h"
#include "client/provider/params.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64 /* of a digest, a padding, a number in decimal */

/* OpenSSL sets numbers either as such or by these names. */
struct named {
    const char *name;
    int number;
};

static const struct named paddings[] = {
    {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING},
    {OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING},
    {NULL, 0},
};

static const struct named salts[] = {
    {OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST},
    {OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, RSA_PSS_SALTLEN_AUTO},
    {OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, RSA_PSS_SALTLEN_MAX},
    {NULL, 0},
};

static int take_text(const OSSL_PARAM *param, char text[static NAME_SIZE])
{
    return OSSL_PARAM_get_utf8_string(param, &text, NAME_SIZE);
}

static int take_number(const OSSL_PARAM *param, const struct named *names, int *ret_number)
{
    char text[NAME_SIZE], *end;
    if (param->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_get_int(param, ret_number);
    if (!take_text(param, text))
        return 0;
    for (; names->name; names++) {
        if (strcmp(names->name, text) == 0) {
            *ret_number = names->number;
            return 1;
        }
    }
    long number = strtol(text, &end, 10);
    *ret_number = (int)number;
    return end != text && !*end && labs(number) < 1 << 16;
}

static int fetch(const struct signature *signature, const char *name, EVP_MD **digest)
{
    EVP_MD *fetched = EVP_MD_fetch(signature->provider->library, name, NULL);
    if (!fetched)
        return core_error(signature->provider, CORE_UNSUPPORTED, "there is no digest %s", name);
    EVP_MD_free(*digest);
    *digest = fetched;
    return 1;
}

int params_set_digest(struct signature *signature, const char *name)
{
    const struct key *key = signature->key;
    const struct algorithm *usual = algorithm_find(key->type, key->curve, false, NULL);
    if (name && *name && key->type == KEY_ED25519)
        return core_error(signature->provider, CORE_UNSUPPORTED, "Ed25519 takes no digest");
    if (name && *name)
        return fetch(signature, name, &signature->digest);
    if (!usual)
        return core_error(signature->provider, CORE_UNSUPPORTED, "the curve is not known");
    return !usual->digest || fetch(signature, usual->digest, &signature->digest);
}

/* While data are hashed it is too late for another digest. */
static int take_digest(struct signature *signature, const OSSL_PARAM *param)
{
    char name[NAME_SIZE];
    if (!take_text(param, name))
        return 0;
    if (signature->hash)
        return EVP_MD_is_a(signature->digest, name);
    return params_set_digest(signature, name);
}

static int take_mgf1(struct signature *signature, const OSSL_PARAM *param)
{
    char name[NAME_SIZE];
    return take_text(param, name) && fetch(signature, name, &signature->mgf1);
}

static int take_padding(struct signature *signature, const OSSL_PARAM *param)
{
    int padding;
    if (!take_number(param, paddings, &padding) ||
        (padding != RSA_PKCS1_PADDING && padding != RSA_PKCS1_PSS_PADDING))
        return core_error(signature->provider, CORE_UNSUPPORTED,
                          "the padding is neither PKCS#1 v1.5 nor PSS");
    signature->pss = padding == RSA_PKCS1_PSS_PADDING;
    return 1;
}

static int take_salt(struct signature *signature, const OSSL_PARAM *param)
{
    return take_number(param, salts, &signature->salt) ||
           core_error(signature->provider, CORE_UNSUPPORTED, "the salt's length is not known");
}

struct settable {
    const char *name;
    int (*take)(struct signature *signature, const OSSL_PARAM *param);
    bool rsa; /* it means nothing to other keys */
};

static const struct settable settables[] = {
    {OSSL_SIGNATURE_PARAM_DIGEST, take_digest, false},
    {OSSL_SIGNATURE_PARAM_PAD_MODE, take_padding, true},
    {OSSL_SIGNATURE_PARAM_PSS_SALTLEN, take_salt, true},
    {OSSL_SIGNATURE_PARAM_MGF1_DIGEST, take_mgf1, true},
};

int params_set(void *context, const OSSL_PARAM params[])
{
    struct signature *signature = context;
    if (!params)
        return 1;
    if (signature->verifier)
        return EVP_PKEY_CTX_set_params(signature->verifier, params) == 1;
    for (size_t i = 0; i < sizeof settables / sizeof settables[0]; i++) {
        const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, settables[i].name);
        bool meant = !settables[i].rsa || signature->key->type == KEY_RSA;
        if (param && meant && !settables[i].take(signature, param))
            return 0;
    }
    return 1;
}

const OSSL_PARAM *params_settable(void *context, void *provctx)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)context, (void)provctx;
    return params;
}

/* OpenSSL's AUTO is what it verifies with any salt by, and signs with the longest: here it is the
 * digest's length, which is what JOSE and TLS want. */
static bool fits(const struct signature *signature, const struct algorithm *algorithm)
{
    if (!signature->pss)
        return true;
    if (signature->mgf1 && !EVP_MD_is_a(signature->mgf1, algorithm->digest))
        return false;
    return signature->salt == RSA_PSS_SALTLEN_DIGEST || signature->salt == RSA_PSS_SALTLEN_AUTO ||
           signature->salt == (int)algorithm->digest_length;
}

const struct algorithm *params_algorithm(const struct signature *signature, size_t length)
{
    const struct key *key = signature->key;
    const struct algorithm *algorithm = NULL;
    if (signature->digest || key->type == KEY_ED25519)
        algorithm = algorithm_find(key->type, key->curve, signature->pss, signature->digest);
    else if (key->type == KEY_EC)
        algorithm = algorithm_find_length(key->type, key->curve, length);
    if (!algorithm)
        core_error(signature->provider, CORE_UNSUPPORTED, "%s with %s",
                   key->curve ? key->curve : algorithm_key_type(key->type),
                   signature->digest ? EVP_MD_get0_name(signature->digest) : "no known digest");
    else if (!fits(signature, algorithm))
        core_error(signature->provider, CORE_UNSUPPORTED,
                   "PSS whose salt is not as long as the digest, or with another hash in MGF1");
    else
        return algorithm;
    return NULL;
}

static int tell_number(OSSL_PARAM *param, const struct named *names, int number)
{
    if (!param)
        return 1;
    if (param->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_int(param, number);
    while (names->name && names->number != number)
        names++;
    return names->name && OSSL_PARAM_set_utf8_string(param, names->name);
}

static int tell_digest(OSSL_PARAM *param, const EVP_MD *digest)
{
    return !param || OSSL_PARAM_set_utf8_string(param, digest ? EVP_MD_get0_name(digest) : "");
}

static int tell_id(const struct signature *signature, OSSL_PARAM *param)
{
    if (!param)
        return 1;
    const struct algorithm *algorithm = params_algorithm(signature, 0);
    return algorithm && OSSL_PARAM_set_octet_string(param, algorithm->id, algorithm->id_length);
}

int params_get(void *context, OSSL_PARAM params[])
{
    const struct signature *signature = context;
    if (signature->verifier)
        return EVP_PKEY_CTX_get_params(signature->verifier, params) == 1;
    const EVP_MD *mgf1 = signature->mgf1 ? signature->mgf1 : signature->digest;
    int padding = signature->pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    return tell_id(signature, OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID)) &&
           tell_digest(OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST), signature->digest) &&
           tell_digest(OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST), mgf1) &&
           tell_number(OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE), paddings,
                       padding) &&
           tell_number(OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN), salts,
                       signature->salt);
}

const OSSL_PARAM *params_gettable(void *context, void *provctx)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)context, (void)provctx;
    return params;
}
