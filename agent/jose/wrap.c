/* Wraps content encryption keys and unwraps them. */
#include "config.h"
#include "agent/jose/wrap.h"
#include "agent/jose/enc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <string.h>

/* Both the digest of OAEP and that of its mask (MGF1) are the algorithm's. */
static int oaep(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                int (*init)(EVP_PKEY_CTX *ctx, const OSSL_PARAM *params), EVP_PKEY_CTX **ret_ctx)
{
    char *digest = (char *)jose_digest_name(alg->digest);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                                         (char *)OSSL_PKEY_RSA_PAD_MODE_OAEP, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(jose->lib, key, NULL);
    if (!ctx || init(ctx, params) != 1) {
        EVP_PKEY_CTX_free(ctx);
        return jose_failed(JOSE_OPENSSL);
    }
    *ret_ctx = ctx;
    return 0;
}

int wrap_rsa_prepare(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                     EVP_PKEY_CTX **ret_template)
{
    return oaep(jose, alg, key, EVP_PKEY_encrypt_init_ex, ret_template);
}

int wrap_rsa(const EVP_PKEY_CTX *template, const unsigned char *cek, size_t cek_len,
             unsigned char ret_wrapped[static WRAP_LENGTH_MAX], size_t *ret_length)
{
    size_t length = WRAP_LENGTH_MAX;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(template);
    bool done = ctx && EVP_PKEY_encrypt(ctx, ret_wrapped, &length, cek, cek_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!done)
        return jose_failed(JOSE_OPENSSL);
    *ret_length = length;
    return 0;
}

int wrap_rsa_open(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                  const unsigned char *wrapped, size_t length, size_t cek_len,
                  unsigned char *ret_cek)
{
    unsigned char plain[WRAP_LENGTH_MAX];
    size_t plain_len = sizeof plain;
    EVP_PKEY_CTX *ctx = NULL;
    int r = oaep(jose, alg, key, EVP_PKEY_decrypt_init_ex, &ctx);
    if (r < 0)
        return r;
    bool done =
        EVP_PKEY_decrypt(ctx, plain, &plain_len, wrapped, length) == 1 && plain_len == cek_len;
    EVP_PKEY_CTX_free(ctx);
    if (done)
        memcpy(ret_cek, plain, cek_len);
    OPENSSL_cleanse(plain, sizeof plain);
    return done ? 0 : jose_failed(JOSE_REFUSED);
}

/* OpenSSL wants to be told that the caller means it. */
static bool aes(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const unsigned char *key,
                bool encrypt, const unsigned char *in, size_t length, unsigned char *out)
{
    int n, last;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) == 1 &&
           EVP_CipherUpdate(ctx, out, &n, in, (int)length) == 1 &&
           EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
}

int wrap_aes(const struct jose *jose, const struct alg *alg, const unsigned char *key,
             const unsigned char *cek, size_t cek_len, unsigned char *ret_wrapped)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx && aes(ctx, jose->ciphers[alg->wrap], key, true, cek, cek_len, ret_wrapped);
    EVP_CIPHER_CTX_free(ctx);
    return done ? 0 : jose_failed(JOSE_OPENSSL);
}

int wrap_aes_open(const struct jose *jose, const struct alg *alg, const unsigned char *key,
                  const unsigned char *wrapped, size_t length, size_t cek_len,
                  unsigned char *ret_cek)
{
    unsigned char plain[ENC_KEY_MAX + WRAP_AES_MORE];
    if (length != cek_len + WRAP_AES_MORE || length > sizeof plain)
        return JOSE_REFUSED;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx && aes(ctx, jose->ciphers[alg->wrap], key, false, wrapped, length, plain);
    EVP_CIPHER_CTX_free(ctx);
    if (done)
        memcpy(ret_cek, plain, cek_len);
    OPENSSL_cleanse(plain, sizeof plain);
    return done ? 0 : jose_failed(JOSE_REFUSED);
}
