/* Verifies signatures, and compact tokens that are signed. */
#include "config.h"
#include "agent/jose/jws.h"
#include "agent/jose/compact.h"
#include "agent/jose/keytype.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DER_MAX (2 * (KEYTYPE_SIZE_MAX + 3) + 3) /* bytes of an ECDSA signature in DER */

/* OpenSSL takes ECDSA signatures in DER (RFC 3279 section 2.2.3). */
static int to_der(const unsigned char *signature, size_t half, unsigned char der[static DER_MAX],
                  size_t *ret_length)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(signature + half, (int)half, NULL);
    if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(s);
        BN_free(r);
        ECDSA_SIG_free(pair);
        return jose_failed(JOSE_MEMORY);
    }
    unsigned char *end = der;
    int length = i2d_ECDSA_SIG(pair, &end);
    ECDSA_SIG_free(pair);
    if (length <= 0)
        return jose_failed(JOSE_MEMORY);
    *ret_length = (size_t)length;
    return 0;
}

/* Of RSA the padding, and for PSS the salt and the mask (RFC 7518 section 3.5). */
static void rsa_params(const struct alg *alg, OSSL_PARAM params[static 5])
{
    bool pss = alg->family == ALG_RSA_PSS;
    char *digest = (char *)jose_digest_name(alg->digest);
    char *mode = (char *)(pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    char *salt = (char *)OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST;
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, mode, 0);
    params[2] = params[3] = params[4] = OSSL_PARAM_construct_end();
    if (!pss)
        return;
    params[2] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, digest, 0);
    params[3] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt, 0);
}

static int verify_with(const struct jose *jose, EVP_PKEY *key, const OSSL_PARAM *params,
                       const unsigned char *digest, size_t digest_len,
                       const unsigned char *signature, size_t signature_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(jose->lib, key, NULL);
    bool good = ctx && EVP_PKEY_verify_init_ex(ctx, params) == 1 &&
                EVP_PKEY_verify(ctx, signature, signature_len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good ? 0 : jose_failed(JOSE_REFUSED);
}

static int verify_ecdsa(const struct jose *jose, EVP_PKEY *key, const unsigned char *digest,
                        size_t digest_len, const unsigned char *signature, size_t signature_len)
{
    unsigned char der[DER_MAX];
    size_t der_len = 0, half = keytype_of(key)->size;
    if (signature_len != 2 * half)
        return JOSE_REFUSED;
    int r = to_der(signature, half, der, &der_len);
    return r < 0 ? r : verify_with(jose, key, NULL, digest, digest_len, der, der_len);
}

static int verify_rsa(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                      const unsigned char *digest, size_t digest_len,
                      const unsigned char *signature, size_t signature_len)
{
    OSSL_PARAM params[5];
    rsa_params(alg, params);
    return verify_with(jose, key, params, digest, digest_len, signature, signature_len);
}

int jws_verify_digest(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                      const unsigned char *digest, size_t digest_len,
                      const unsigned char *signature, size_t signature_len)
{
    if (!alg_fits(alg, key) || digest_len != (size_t)EVP_MD_get_size(jose->digests[alg->digest]))
        return JOSE_MISMATCH;
    if (alg->family == ALG_ECDSA)
        return verify_ecdsa(jose, key, digest, digest_len, signature, signature_len);
    if (alg->family == ALG_RSA_PKCS1 || alg->family == ALG_RSA_PSS)
        return verify_rsa(jose, alg, key, digest, digest_len, signature, signature_len);
    return JOSE_MISMATCH;
}

static int verify_eddsa(const struct jose *jose, EVP_PKEY *key, const void *data, size_t length,
                        const unsigned char *signature, size_t signature_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, jose->lib, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature, signature_len, data, length) == 1;
    EVP_MD_CTX_free(ctx);
    return good ? 0 : jose_failed(JOSE_REFUSED);
}

int jws_verify_signature(const struct jose *jose, const struct alg *alg, EVP_PKEY *key,
                         const void *data, size_t length, const unsigned char *signature,
                         size_t signature_len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    if (!alg_fits(alg, key))
        return JOSE_MISMATCH;
    if (alg->family == ALG_EDDSA)
        return verify_eddsa(jose, key, data, length, signature, signature_len);
    if (EVP_Digest(data, length, digest, &digest_len, jose->digests[alg->digest], NULL) != 1)
        return jose_failed(JOSE_OPENSSL);
    return jws_verify_digest(jose, alg, key, digest, digest_len, signature, signature_len);
}

static bool mac_of(const struct jose *jose, const struct alg *alg, const unsigned char *secret,
                   size_t secret_len, const void *data, size_t length,
                   unsigned char mac[static EVP_MAX_MD_SIZE], size_t *mac_len)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)jose_digest_name(alg->digest), 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(jose->hmac);
    bool done = ctx && EVP_MAC_init(ctx, secret, secret_len, params) == 1 &&
                EVP_MAC_update(ctx, data, length) == 1 &&
                EVP_MAC_final(ctx, mac, mac_len, EVP_MAX_MD_SIZE) == 1;
    EVP_MAC_CTX_free(ctx);
    return done;
}

int jws_verify_mac(const struct jose *jose, const struct alg *alg, const unsigned char *secret,
                   size_t secret_len, const void *data, size_t length, const unsigned char *mac,
                   size_t mac_len)
{
    unsigned char wanted[EVP_MAX_MD_SIZE];
    size_t wanted_len = 0;
    if (alg->family != ALG_HMAC)
        return JOSE_MISMATCH;
    if (!mac_of(jose, alg, secret, secret_len, data, length, wanted, &wanted_len))
        return jose_failed(JOSE_OPENSSL);
    bool same = mac_len == wanted_len && CRYPTO_memcmp(mac, wanted, mac_len) == 0;
    OPENSSL_cleanse(wanted, sizeof wanted);
    return same ? 0 : JOSE_REFUSED;
}

static int check_header(const struct compact_part *part, const struct jws_key *key)
{
    static const char *const known[] = {"alg", "typ", "cty", "kid", NULL};
    const char *alg;
    json_t *header;
    int r = compact_header(part, known, &header);
    if (r < 0)
        return r;
    r = compact_text(header, "alg", &alg);
    if (r == 0 && strcmp(alg, key->alg->name) != 0)
        r = JOSE_MISMATCH;
    json_decref(header);
    return r;
}

/* What is signed are the first two parts as they stand there, with the dot. */
static int check_signature(const struct jose *jose, const struct jws_key *key,
                           const struct compact_part *parts)
{
    const char *data = parts[0].text;
    size_t length = parts[0].length + 1 + parts[1].length, signature_len;
    unsigned char *signature;
    int r = compact_decode(&parts[2], &signature, &signature_len);
    if (r < 0)
        return r;
    r = key->alg->family == ALG_HMAC ? jws_verify_mac(jose, key->alg, key->secret, key->secret_len,
                                                      data, length, signature, signature_len)
                                     : jws_verify_signature(jose, key->alg, key->key, data, length,
                                                            signature, signature_len);
    free(signature);
    return r;
}

int jws_verify(const struct jose *jose, const struct jws_key *key, const char *token, size_t length,
               char **ret_payload, size_t *ret_length)
{
    struct compact_part parts[3];
    unsigned char *payload = NULL;
    int r = compact_split(token, length, 3, parts);
    if (r == 0)
        r = check_header(&parts[0], key);
    if (r == 0)
        r = check_signature(jose, key, parts);
    if (r == 0)
        r = compact_decode(&parts[1], &payload, ret_length);
    if (r < 0)
        return r;
    *ret_payload = (char *)payload;
    return 0;
}
