/* Checks a client secret and turns it into the bytes of an HMAC key. */
#include "config.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/mech.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_LEN 32
#define BASE64_LEN 44 /* of SHA256_LEN bytes */

/* In a library context of our own: modules such as SoftHSM use the default one. */
static int sha256(const struct secret *secret, unsigned char digest[static SHA256_LEN])
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    size_t length = 0;
    int done = context &&
               EVP_Q_digest(context, "SHA256", NULL, secret->data, secret->length, digest, &length);
    OSSL_LIB_CTX_free(context);
    return done && length == SHA256_LEN ? 0 : -1;
}

/* Authway's key is text: the base64 of the secret's SHA-256, not decoded. */
static int derive_authway(const struct secret *secret, struct secret *ret_key,
                          struct p11_error *error)
{
    if (secret_reserve(ret_key, BASE64_LEN) < 0)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    unsigned char digest[SHA256_LEN];
    int r = sha256(secret, digest);
    if (r == 0)
        EVP_EncodeBlock(ret_key->data, digest, SHA256_LEN);
    OPENSSL_cleanse(digest, sizeof digest);
    if (r == 0)
        return 0;
    secret_wipe(ret_key);
    return p11_error_text(error, P11_FAILED, "OpenSSL does not offer SHA-256");
}

static const struct derivation derivations[] = {
    {"authway", "HS256", derive_authway},
};

const struct derivation *hmac_key_derivation(const char *name)
{
    for (size_t i = 0; i < sizeof derivations / sizeof derivations[0]; i++)
        if (strcmp(derivations[i].name, name) == 0)
            return &derivations[i];
    return NULL;
}

static int check(const struct secret *secret, const struct mech *mech, bool allow_short,
                 struct p11_error *error)
{
    if (secret->length == 0)
        return p11_error_text(error, P11_INVALID, "the secret is empty");
    if (memchr(secret->data, '\0', secret->length))
        return p11_error_text(error, P11_INVALID, "the secret has a NUL byte: it is no text");
    if (secret->length >= mech->key_min)
        return 0;
    if (!allow_short)
        return p11_error_text(error, P11_INVALID,
                              "the secret has %zu bytes, and RFC 7518 section 3.2 wants at least "
                              "%zu for %s: get a longer one from the provider, or take it with "
                              "--allow-short",
                              secret->length, mech->key_min, mech->algorithm);
    if (secret->length < HMAC_KEY_SHORT_MIN)
        return p11_error_text(error, P11_INVALID,
                              "the secret has %zu bytes: with --allow-short, too, it needs %d",
                              secret->length, HMAC_KEY_SHORT_MIN);
    return 0;
}

static int copy_padded(const struct secret *secret, size_t length, struct secret *ret_key,
                       struct p11_error *error)
{
    if (secret_reserve(ret_key, length) < 0)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    memcpy(ret_key->data, secret->data, secret->length);
    return 0;
}

int hmac_key_make(const struct secret *secret, const struct mech *mech,
                  const struct derivation *derivation, bool allow_short, struct secret *ret_key,
                  struct p11_error *error)
{
    int r = check(secret, mech, allow_short, error);
    if (r < 0)
        return r;
    if (derivation)
        return derivation->derive(secret, ret_key, error);
    bool is_short = secret->length < mech->key_min;
    return copy_padded(secret, is_short ? HMAC_KEY_PADDED : secret->length, ret_key, error);
}
