/* OSSL_OP_SIGNATURE: hashes here, and has the agent sign the hash. */
#include "config.h"
#include "client/provider/signature.h"
#include "client/provider/agent.h"
#include "client/provider/operations.h"
#include "client/provider/params.h"
#include "client/provider/verify.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

static void *new_signature(void *provctx, const char *properties)
{
    struct signature *signature = calloc(1, sizeof *signature);
    (void)properties;
    if (!signature)
        return NULL;
    signature->provider = provctx;
    signature->salt = RSA_PSS_SALTLEN_DIGEST;
    return signature;
}

static void free_signature(void *context)
{
    struct signature *signature = context;
    if (!signature)
        return;
    verify_end(signature);
    EVP_MD_CTX_free(signature->hash);
    EVP_MD_free(signature->mgf1);
    EVP_MD_free(signature->digest);
    key_unref(signature->key);
    free(signature);
}

static int copy_into(const struct signature *signature, struct signature *copy)
{
    copy->pss = signature->pss;
    copy->salt = signature->salt;
    copy->key = signature->key ? key_ref(signature->key) : NULL;
    if (signature->digest && EVP_MD_up_ref(signature->digest) == 1)
        copy->digest = signature->digest;
    if (signature->mgf1 && EVP_MD_up_ref(signature->mgf1) == 1)
        copy->mgf1 = signature->mgf1;
    copy->hash = signature->hash ? EVP_MD_CTX_new() : NULL;
    if (signature->hash && (!copy->hash || EVP_MD_CTX_copy_ex(copy->hash, signature->hash) != 1))
        return 0;
    return verify_copy(signature, copy);
}

static void *dup_signature(void *context)
{
    const struct signature *signature = context;
    struct signature *copy = new_signature(signature->provider, NULL);
    if (copy && copy_into(signature, copy))
        return copy;
    free_signature(copy);
    return NULL;
}

static int begin(struct signature *signature, struct key *key)
{
    verify_end(signature);
    EVP_MD_CTX_free(signature->hash);
    signature->hash = NULL;
    key_hold(&signature->key, key);
    if (!signature->key || !signature->key->profile)
        return core_error(signature->provider, CORE_NO_KEY, "there is only a public half");
    return 1;
}

static int sign_init(void *context, void *keydata, const OSSL_PARAM params[])
{
    return begin(context, keydata) && params_set(context, params);
}

/* r||s as the agent gives it becomes what OpenSSL wants (RFC 3279 section 2.2.3). Returns the
 * length, or 0 where there is no room or no memory. */
static size_t to_der(const struct hintsign_signature *pair, unsigned char *ret_der, size_t size)
{
    int half = (int)pair->length / 2, length = 0;
    unsigned char *der = NULL;
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair->bytes, half, NULL);
    BIGNUM *s = BN_bin2bn(pair->bytes + half, half, NULL);
    if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1) {
        r = s = NULL;
        length = i2d_ECDSA_SIG(both, &der);
    }
    bool fits = length > 0 && (size_t)length <= size;
    if (fits)
        memcpy(ret_der, der, (size_t)length);
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(both);
    return fits ? (size_t)length : 0;
}

static size_t to_openssl(const struct key *key, const struct hintsign_signature *given,
                         unsigned char *ret_signature, size_t size)
{
    if (key->type == KEY_EC)
        return to_der(given, ret_signature, size);
    if (given->length > size)
        return 0;
    memcpy(ret_signature, given->bytes, given->length);
    return given->length;
}

static int ask_agent(const struct signature *signature, struct hintsign_sign_request *request,
                     unsigned char *ret_signature, size_t *ret_length, size_t size)
{
    const struct key *key = signature->key;
    struct hintsign_signature *given;
    request->profile = key->profile;
    if (!agent_sign(signature->provider, key->agent, request, &given))
        return 0;
    size_t length = to_openssl(key, given, ret_signature, size);
    hintsign_signature_free(given);
    if (length == 0)
        return core_error(signature->provider, CORE_TOO_LONG, "%s: there is no room for it",
                          key->profile);
    *ret_length = length;
    return 1;
}

static int sign_digest(const struct signature *signature, const struct algorithm *algorithm,
                       const unsigned char *digest, unsigned char *ret_signature,
                       size_t *ret_length, size_t size)
{
    struct hintsign_sign_request request = {
        .algorithm = algorithm->name, .digest = digest, .digest_length = algorithm->digest_length};
    return ask_agent(signature, &request, ret_signature, ret_length, size);
}

/* Who has no room yet asks how much it takes. */
static int tell_size(const struct signature *signature, size_t *ret_length)
{
    int size = EVP_PKEY_get_size(signature->key->public_key);
    *ret_length = size > 0 ? (size_t)size : 0;
    return size > 0;
}

/* Signs a digest that the caller has made. */
static int sign(void *context, unsigned char *ret_signature, size_t *ret_length, size_t size,
                const unsigned char *digest, size_t length)
{
    const struct signature *signature = context;
    if (!ret_signature)
        return tell_size(signature, ret_length);
    const struct algorithm *algorithm = params_algorithm(signature, length);
    if (!algorithm)
        return 0;
    if (length != algorithm->digest_length)
        return core_error(signature->provider, CORE_UNSUPPORTED,
                          "%zu bytes are no digest for %s: it has %zu", length, algorithm->name,
                          algorithm->digest_length);
    return sign_digest(signature, algorithm, digest, ret_signature, ret_length, size);
}

static int digest_sign_init(void *context, const char *digest, void *keydata,
                            const OSSL_PARAM params[])
{
    struct signature *signature = context;
    if (!begin(signature, keydata) || !params_set_digest(signature, digest) ||
        !params_set(signature, params))
        return 0;
    if (signature->key->type == KEY_ED25519)
        return 1;
    signature->hash = EVP_MD_CTX_new();
    return signature->hash && EVP_DigestInit_ex2(signature->hash, signature->digest, NULL) == 1;
}

static int digest_sign_update(void *context, const unsigned char *data, size_t length)
{
    const struct signature *signature = context;
    return signature->hash && EVP_DigestUpdate(signature->hash, data, length) == 1;
}

static int digest_sign_final(void *context, unsigned char *ret_signature, size_t *ret_length,
                             size_t size)
{
    const struct signature *signature = context;
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!ret_signature)
        return tell_size(signature, ret_length);
    const struct algorithm *algorithm = params_algorithm(signature, 0);
    return algorithm && signature->hash && EVP_DigestFinal_ex(signature->hash, digest, NULL) == 1 &&
           sign_digest(signature, algorithm, digest, ret_signature, ret_length, size);
}

/* Ed25519 signs data, not their hash, so the data travel, and at one go. */
static int digest_sign(void *context, unsigned char *ret_signature, size_t *ret_length, size_t size,
                       const unsigned char *data, size_t length)
{
    const struct signature *signature = context;
    if (!ret_signature)
        return tell_size(signature, ret_length);
    const struct algorithm *algorithm = params_algorithm(signature, 0);
    if (!algorithm)
        return 0;
    if (length > HINTSIGN_DATA_MAX)
        return core_error(signature->provider, CORE_TOO_LONG,
                          "%zu bytes are more than the %d that %s can sign", length,
                          HINTSIGN_DATA_MAX, algorithm->name);
    struct hintsign_sign_request request = {.algorithm = algorithm->name,
                                            .data = data ? data : (const void *)"",
                                            .data_length = length};
    return ask_agent(signature, &request, ret_signature, ret_length, size);
}

#define FUNCTIONS                                                                                  \
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_signature},                                   \
        {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_signature},                             \
        {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))dup_signature},                               \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))digest_sign_init},                  \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (void (*)(void))verify_digest_init},              \
        {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))params_get},                          \
        {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))params_gettable},                \
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))params_set},                          \
    {                                                                                              \
        OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))params_settable                   \
    }

/* Of what signs digests: with the digest given, or with data, piece by piece. */
#define DIGEST_FUNCTIONS                                                                           \
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, (void (*)(void))sign_init},                                    \
        {OSSL_FUNC_SIGNATURE_SIGN, (void (*)(void))sign},                                          \
        {OSSL_FUNC_SIGNATURE_VERIFY_INIT, (void (*)(void))verify_init},                            \
        {OSSL_FUNC_SIGNATURE_VERIFY, (void (*)(void))verify_hash},                                 \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))digest_sign_update},              \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))digest_sign_final},                \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (void (*)(void))verify_digest_update},          \
    {                                                                                              \
        OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (void (*)(void))verify_digest_final               \
    }

static const OSSL_DISPATCH rsa_functions[] = {
    FUNCTIONS,
    DIGEST_FUNCTIONS,
    {OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT, (void (*)(void))verify_recover_init},
    {OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, (void (*)(void))verify_recover},
    {0, NULL},
};
static const OSSL_DISPATCH ecdsa_functions[] = {FUNCTIONS, DIGEST_FUNCTIONS, {0, NULL}};
static const OSSL_DISPATCH ed25519_functions[] = {
    FUNCTIONS,
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))digest_sign},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, (void (*)(void))verify_digest},
    {0, NULL},
};

const OSSL_ALGORITHM signature_algorithms[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", CORE_OURS, rsa_functions, "RSA signatures"},
    {"ECDSA", CORE_OURS, ecdsa_functions, "ECDSA signatures"},
    {"ED25519:1.3.101.112", CORE_OURS, ed25519_functions, "Ed25519 signatures"},
    {NULL, NULL, NULL, NULL},
};
