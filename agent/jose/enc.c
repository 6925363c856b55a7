/* Encrypts content: AES-GCM, and AES-CBC with HMAC (RFC 7518 sections 5.2 and 5.3). */
#include "config.h"
#include "agent/jose/enc.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 16 /* bytes of AES */

static bool fits_int(const struct enc_input *input)
{
    return input->length <= INT_MAX - ENC_PAD_MAX && input->aad_len <= INT_MAX;
}

static bool gcm_encrypt_with(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct enc *enc,
                             const struct enc_input *input, unsigned char *data, unsigned char *tag)
{
    int n;
    return EVP_EncryptInit_ex2(ctx, cipher, input->key, input->iv, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &n, input->aad, (int)input->aad_len) == 1 &&
           EVP_EncryptUpdate(ctx, data, &n, input->data, (int)input->length) == 1 &&
           EVP_EncryptFinal_ex(ctx, data + n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)enc->tag_len, tag) == 1;
}

static int gcm_encrypt(const struct jose *jose, const struct enc *enc,
                       const struct enc_input *input, unsigned char *ret_data,
                       unsigned char *ret_tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done =
        ctx && gcm_encrypt_with(ctx, jose->ciphers[enc->cipher], enc, input, ret_data, ret_tag);
    EVP_CIPHER_CTX_free(ctx);
    return done ? 0 : jose_failed(JOSE_OPENSSL);
}

static bool gcm_decrypt_with(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct enc *enc,
                             const struct enc_input *input, const unsigned char *tag,
                             unsigned char *data)
{
    int n;
    return EVP_DecryptInit_ex2(ctx, cipher, input->key, input->iv, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)enc->tag_len, (void *)tag) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, input->aad, (int)input->aad_len) == 1 &&
           EVP_DecryptUpdate(ctx, data, &n, input->data, (int)input->length) == 1 &&
           EVP_DecryptFinal_ex(ctx, data + n, &n) == 1;
}

static int gcm_decrypt(const struct jose *jose, const struct enc *enc,
                       const struct enc_input *input, const unsigned char *tag,
                       unsigned char *ret_data, size_t *ret_length)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx && gcm_decrypt_with(ctx, jose->ciphers[enc->cipher], enc, input, tag, ret_data);
    EVP_CIPHER_CTX_free(ctx);
    if (!done) {
        OPENSSL_cleanse(ret_data, input->length);
        return jose_failed(JOSE_REFUSED);
    }
    *ret_length = input->length;
    return 0;
}

/* The first half of the key makes the MAC; the first half of the MAC is the tag. */
static bool cbc_mac(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                    const unsigned char *ciphertext, size_t length, unsigned char *tag)
{
    unsigned char mac[EVP_MAX_MD_SIZE], aad_bits[8];
    for (size_t i = 0; i < sizeof aad_bits; i++)
        aad_bits[i] = (unsigned char)((uint64_t)input->aad_len * 8 >> (56 - 8 * i));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)jose_digest_name(enc->digest), 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(jose->hmac);
    bool done = ctx && EVP_MAC_init(ctx, input->key, enc->key_len / 2, params) == 1 &&
                EVP_MAC_update(ctx, input->aad, input->aad_len) == 1 &&
                EVP_MAC_update(ctx, input->iv, enc->iv_len) == 1 &&
                EVP_MAC_update(ctx, ciphertext, length) == 1 &&
                EVP_MAC_update(ctx, aad_bits, sizeof aad_bits) == 1 &&
                EVP_MAC_final(ctx, mac, NULL, sizeof mac) == 1;
    EVP_MAC_CTX_free(ctx);
    if (done)
        memcpy(tag, mac, enc->tag_len);
    OPENSSL_cleanse(mac, sizeof mac);
    return done;
}

/* The second half of the key encrypts, with the padding of PKCS #7. */
static bool cbc_run(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                    bool encrypt, unsigned char *data, size_t *ret_length)
{
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool done = ctx &&
                EVP_CipherInit_ex2(ctx, jose->ciphers[enc->cipher], input->key + enc->key_len / 2,
                                   input->iv, encrypt, NULL) == 1 &&
                EVP_CipherUpdate(ctx, data, &n, input->data, (int)input->length) == 1 &&
                EVP_CipherFinal_ex(ctx, data + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *ret_length = (size_t)(n + last);
    return done;
}

static int cbc_encrypt(const struct jose *jose, const struct enc *enc,
                       const struct enc_input *input, unsigned char *ret_data,
                       unsigned char *ret_tag)
{
    size_t length;
    if (!cbc_run(jose, enc, input, true, ret_data, &length) ||
        !cbc_mac(jose, enc, input, ret_data, length, ret_tag))
        return jose_failed(JOSE_OPENSSL);
    return 0;
}

static int cbc_decrypt(const struct jose *jose, const struct enc *enc,
                       const struct enc_input *input, const unsigned char *tag,
                       unsigned char *ret_data, size_t *ret_length)
{
    unsigned char wanted[ENC_TAG_MAX];
    if (input->length == 0 || input->length % BLOCK != 0 ||
        !cbc_mac(jose, enc, input, input->data, input->length, wanted))
        return jose_failed(JOSE_REFUSED);
    bool same = CRYPTO_memcmp(wanted, tag, enc->tag_len) == 0;
    OPENSSL_cleanse(wanted, sizeof wanted);
    if (!same || !cbc_run(jose, enc, input, false, ret_data, ret_length))
        return jose_failed(JOSE_REFUSED);
    return 0;
}

static const struct enc encs[] = {
    {"A128GCM", JOSE_AES128_GCM, 0, 16, 12, 16, 0, gcm_encrypt, gcm_decrypt},
    {"A256GCM", JOSE_AES256_GCM, 0, 32, 12, 16, 0, gcm_encrypt, gcm_decrypt},
    {"A128CBC-HS256", JOSE_AES128_CBC, JOSE_SHA256, 32, 16, 16, BLOCK, cbc_encrypt, cbc_decrypt},
    {"A256CBC-HS512", JOSE_AES256_CBC, JOSE_SHA512, 64, 16, 32, BLOCK, cbc_encrypt, cbc_decrypt},
};

const struct enc *enc_find(const char *name)
{
    for (size_t i = 0; i < sizeof encs / sizeof encs[0]; i++)
        if (strcmp(encs[i].name, name) == 0)
            return &encs[i];
    return NULL;
}

size_t enc_length(const struct enc *enc, size_t length)
{
    return enc->block > 0 ? (length / enc->block + 1) * enc->block : length;
}

int enc_encrypt(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                unsigned char *ret_data, unsigned char *ret_tag)
{
    return fits_int(input) ? enc->encrypt(jose, enc, input, ret_data, ret_tag) : JOSE_INVALID;
}

int enc_decrypt(const struct jose *jose, const struct enc *enc, const struct enc_input *input,
                const unsigned char *tag, unsigned char *ret_data, size_t *ret_length)
{
    return fits_int(input) ? enc->decrypt(jose, enc, input, tag, ret_data, ret_length)
                           : JOSE_REFUSED;
}
