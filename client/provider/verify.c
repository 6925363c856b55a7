/* Verifies by handing everything on to the provider that holds the public half. */
#include "config.h"
#include "client/provider/verify.h"

void verify_end(struct signature *signature)
{
    if (!signature->data_verifier)
        EVP_PKEY_CTX_free(signature->verifier);
    EVP_MD_CTX_free(signature->data_verifier);
    signature->verifier = NULL;
    signature->data_verifier = NULL;
}

static int take_key(struct signature *signature, struct key *key)
{
    key_hold(&signature->key, key);
    verify_end(signature);
    return signature->key && signature->key->public_key;
}

static int init(struct signature *signature, struct key *key, const OSSL_PARAM params[],
                int (*init_ex)(EVP_PKEY_CTX *context, const OSSL_PARAM params[]))
{
    if (!take_key(signature, key))
        return 0;
    signature->verifier = EVP_PKEY_CTX_new_from_pkey(signature->provider->library,
                                                     signature->key->public_key, CORE_OTHERS);
    return signature->verifier && init_ex(signature->verifier, params) == 1;
}

int verify_init(void *context, void *keydata, const OSSL_PARAM params[])
{
    return init(context, keydata, params, EVP_PKEY_verify_init_ex);
}

int verify_hash(void *context, const unsigned char *signature, size_t signature_len,
                const unsigned char *hash, size_t length)
{
    const struct signature *verification = context;
    return EVP_PKEY_verify(verification->verifier, signature, signature_len, hash, length) == 1;
}

int verify_recover_init(void *context, void *keydata, const OSSL_PARAM params[])
{
    return init(context, keydata, params, EVP_PKEY_verify_recover_init_ex);
}

int verify_recover(void *context, unsigned char *ret_data, size_t *ret_length, size_t size,
                   const unsigned char *signature, size_t signature_len)
{
    const struct signature *verification = context;
    *ret_length = size;
    return EVP_PKEY_verify_recover(verification->verifier, ret_data, ret_length, signature,
                                   signature_len) == 1;
}

int verify_digest_init(void *context, const char *digest, void *keydata, const OSSL_PARAM params[])
{
    struct signature *signature = context;
    if (!take_key(signature, keydata))
        return 0;
    signature->data_verifier = EVP_MD_CTX_new();
    return signature->data_verifier &&
           EVP_DigestVerifyInit_ex(signature->data_verifier, &signature->verifier, digest,
                                   signature->provider->library, CORE_OTHERS,
                                   signature->key->public_key, params) == 1;
}

int verify_digest_update(void *context, const unsigned char *data, size_t length)
{
    const struct signature *verification = context;
    return EVP_DigestVerifyUpdate(verification->data_verifier, data, length) == 1;
}

int verify_digest_final(void *context, const unsigned char *signature, size_t signature_len)
{
    const struct signature *verification = context;
    return EVP_DigestVerifyFinal(verification->data_verifier, signature, signature_len) == 1;
}

int verify_digest(void *context, const unsigned char *signature, size_t signature_len,
                  const unsigned char *data, size_t length)
{
    const struct signature *verification = context;
    return EVP_DigestVerify(verification->data_verifier, signature, signature_len, data, length) ==
           1;
}

int verify_copy(const struct signature *signature, struct signature *copy)
{
    if (signature->data_verifier) {
        copy->data_verifier = EVP_MD_CTX_new();
        if (!copy->data_verifier ||
            EVP_MD_CTX_copy_ex(copy->data_verifier, signature->data_verifier) != 1)
            return 0;
        copy->verifier = EVP_MD_CTX_get_pkey_ctx(copy->data_verifier);
    } else if (signature->verifier) {
        copy->verifier = EVP_PKEY_CTX_dup(signature->verifier);
        return copy->verifier != NULL;
    }
    return 1;
}
