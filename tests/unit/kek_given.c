/* Makes public keys for tests: real ones, and ones of any size. */
#include "config.h"
#include "tests/unit/kek_given.h"
#include "tests/unit/scratch.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EVP_PKEY *kek_given_pair(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
}

EVP_PKEY *kek_given_bits(const char *type, int bits)
{
    EVP_PKEY *key = NULL;
    BIGNUM *modulus = BN_new(), *exponent = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BN_rand(modulus, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_set_word(exponent, RSA_F4);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY_fromdata_init(context);
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

const char *kek_given_file(EVP_PKEY *key, const char *before)
{
    char *pem = NULL, text[8192];
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key);
    long length = BIO_get_mem_data(bio, &pem);
    snprintf(text, sizeof text, "%s%.*s", before, (int)length, pem);
    BIO_free(bio);
    return scratch_write("kek.pem", text);
}

const char *kek_given_fingerprint(EVP_PKEY *key)
{
    static char hex[2 * SHA256_DIGEST_LENGTH + 1];
    unsigned char *info = NULL, digest[SHA256_DIGEST_LENGTH];
    int length = i2d_PUBKEY(key, &info);
    SHA256(info, (size_t)length, digest);
    OPENSSL_free(info);
    for (size_t i = 0; i < sizeof digest; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
    return hex;
}
