/* OpenSSL as this folder uses it: hashes for C_Sign, and verification of what it gave. */
#include "config.h"
#include "pkcs11/crypto.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

int crypto_new(OSSL_LIB_CTX *library, const char *properties, struct crypto **ret_crypto,
               struct p11_error *error)
{
    struct crypto *crypto = calloc(1, sizeof *crypto);
    if (!crypto)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    crypto->library = library;
    crypto->properties = properties ? strdup(properties) : NULL;
    if (properties && !crypto->properties) {
        crypto_free(crypto);
        return p11_error_text(error, P11_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < MECH_DIGESTS; i++) {
        const char *name = mech_hash_at((enum mech_digest)i)->name;
        crypto->digests[i] = EVP_MD_fetch(crypto->library, name, properties);
        if (crypto->digests[i])
            continue;
        crypto_free(crypto);
        return p11_error_text(error, P11_INVALID, "OpenSSL has no %s with the properties \"%s\"",
                              name, properties ? properties : "");
    }
    *ret_crypto = crypto;
    return 0;
}

void crypto_free(struct crypto *crypto)
{
    if (!crypto)
        return;
    for (size_t i = 0; i < MECH_DIGESTS; i++)
        EVP_MD_free(crypto->digests[i]);
    free(crypto->properties);
    free(crypto);
}

bool crypto_digest(const struct crypto *crypto, const struct mech *mech, const void *data,
                   size_t length, unsigned char digest[static CRYPTO_DIGEST_MAX])
{
    return EVP_Digest(data, length, digest, NULL, crypto->digests[mech->digest], NULL) == 1;
}

bool crypto_sha256(const struct crypto *crypto, const void *data, size_t length,
                   unsigned char digest[static CRYPTO_SHA256])
{
    return EVP_Digest(data, length, digest, NULL, crypto->digests[MECH_SHA256], NULL) == 1;
}

/* r||s becomes the SEQUENCE that OpenSSL verifies (RFC 7518 section 3.4). Returns the length, or 0.
 * `*ret_der` is freed with OPENSSL_free. */
static size_t ecdsa_to_der(const unsigned char *signature, size_t length, unsigned char **ret_der)
{
    int half = (int)length / 2;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, half, NULL);
    BIGNUM *s = BN_bin2bn(signature + half, half, NULL);
    int der_len = 0;
    *ret_der = NULL;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL;
        der_len = i2d_ECDSA_SIG(pair, ret_der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return der_len > 0 ? (size_t)der_len : 0;
}

static bool set_scheme(const struct mech *mech, EVP_PKEY_CTX *context, const EVP_MD *digest)
{
    if (EVP_PKEY_CTX_set_signature_md(context, digest) != 1)
        return false;
    if (mech->family == MECH_RSA_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    return true;
}

static bool verify_hash(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                        const unsigned char *hash, const unsigned char *signature,
                        size_t signature_len)
{
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(crypto->library, public_key, crypto->properties);
    bool good = context && EVP_PKEY_verify_init(context) == 1 &&
                set_scheme(mech, context, crypto->digests[mech->digest]) &&
                EVP_PKEY_verify(context, signature, signature_len, hash,
                                mech_hash_at(mech->digest)->length) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

bool crypto_verify_hash(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                        const unsigned char *hash, const unsigned char *signature,
                        size_t signature_len)
{
    if (mech->signature_len && signature_len != mech->signature_len)
        return false;
    if (mech->family != MECH_ECDSA)
        return verify_hash(crypto, mech, public_key, hash, signature, signature_len);
    unsigned char *der;
    size_t der_len = ecdsa_to_der(signature, signature_len, &der);
    bool good = der_len && verify_hash(crypto, mech, public_key, hash, der, der_len);
    OPENSSL_free(der);
    return good;
}

/* EdDSA signs data, not their hash (RFC 8032 section 5.1). */
static bool verify_data(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                        const void *data, size_t length, const unsigned char *signature,
                        size_t signature_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = signature_len == mech->signature_len && context &&
                EVP_DigestVerifyInit_ex(context, NULL, NULL, crypto->library, crypto->properties,
                                        public_key, NULL) == 1 &&
                EVP_DigestVerify(context, signature, signature_len, data, length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool crypto_verify(const struct crypto *crypto, const struct mech *mech, EVP_PKEY *public_key,
                   const void *data, size_t length, const unsigned char *signature,
                   size_t signature_len)
{
    unsigned char hash[CRYPTO_DIGEST_MAX];
    if (mech->family == MECH_EDDSA)
        return verify_data(crypto, mech, public_key, data, length, signature, signature_len);
    return crypto_digest(crypto, mech, data, length, hash) &&
           crypto_verify_hash(crypto, mech, public_key, hash, signature, signature_len);
}
