/* Agrees on keys: Diffie-Hellman on a curve, then Concat KDF (RFC 7518 section 4.6.2). */
#include "config.h"
#include "agent/jose/ecdh.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <stdbool.h>
#include <string.h>

/* AlgorithmID, PartyUInfo, PartyVInfo, each after its length, and SuppPubInfo. */
#define OTHER_INFO_MAX (4 + ECDH_NAME_MAX + 2 * (4 + ECDH_PARTY_MAX) + 4)

int ecdh_generate(const struct jose *jose, EVP_PKEY *peer, EVP_PKEY **ret_key)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(jose->lib, peer, NULL);
    bool done = ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &key) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!done)
        return jose_failed(JOSE_OPENSSL);
    *ret_key = key;
    return 0;
}

static bool is_zero(const unsigned char *data, size_t length)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < length; i++)
        bits |= data[i];
    return bits == 0;
}

int ecdh_agree(const struct jose *jose, EVP_PKEY *own, EVP_PKEY *peer,
               unsigned char ret_secret[static ECDH_SECRET_MAX], size_t *ret_length)
{
    size_t length = ECDH_SECRET_MAX;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(jose->lib, own, NULL);
    bool done = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
                EVP_PKEY_derive(ctx, ret_secret, &length) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!done || is_zero(ret_secret, length))
        return jose_failed(JOSE_REFUSED);
    *ret_length = length;
    return 0;
}

static unsigned char *put_uint32(unsigned char *place, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *place++ = (unsigned char)(value >> shift);
    return place;
}

static unsigned char *put_field(unsigned char *place, const void *data, size_t length)
{
    place = put_uint32(place, length);
    if (length > 0)
        memcpy(place, data, length);
    return place + length;
}

static int concat_kdf(const struct jose *jose, unsigned char *secret, size_t secret_len,
                      const struct ecdh_info *info, size_t length, unsigned char *ret_key)
{
    unsigned char other[OTHER_INFO_MAX];
    unsigned char *end = put_field(other, info->algorithm, strlen(info->algorithm));
    end = put_field(end, info->apu, info->apu_len);
    end = put_field(end, info->apv, info->apv_len);
    end = put_uint32(end, length * 8);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         (char *)jose_digest_name(JOSE_SHA256), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, secret_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, other, (size_t)(end - other)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(jose->sskdf);
    bool done = ctx && EVP_KDF_derive(ctx, ret_key, length, params) == 1;
    EVP_KDF_CTX_free(ctx);
    return done ? 0 : jose_failed(JOSE_OPENSSL);
}

int ecdh_derive(const struct jose *jose, EVP_PKEY *own, EVP_PKEY *peer,
                const struct ecdh_info *info, size_t length, unsigned char *ret_key)
{
    if (length > ECDH_KEY_MAX || strlen(info->algorithm) > ECDH_NAME_MAX ||
        info->apu_len > ECDH_PARTY_MAX || info->apv_len > ECDH_PARTY_MAX)
        return JOSE_INVALID;
    unsigned char secret[ECDH_SECRET_MAX];
    size_t secret_len = 0;
    int r = ecdh_agree(jose, own, peer, secret, &secret_len);
    if (r == 0)
        r = concat_kdf(jose, secret, secret_len, info, length, ret_key);
    OPENSSL_cleanse(secret, sizeof secret);
    return r;
}
