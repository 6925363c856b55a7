/* An OpenSSL library context of our own, with every algorithm that this folder uses fetched. */
#include "config.h"
#include "agent/jose/jose.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>

static const char *const digests[JOSE_DIGESTS] = {
    [JOSE_SHA1] = "SHA1",
    [JOSE_SHA256] = "SHA256",
    [JOSE_SHA384] = "SHA384",
    [JOSE_SHA512] = "SHA512",
};

static const char *const ciphers[JOSE_CIPHERS] = {
    [JOSE_AES128_GCM] = "AES-128-GCM",   [JOSE_AES256_GCM] = "AES-256-GCM",
    [JOSE_AES128_CBC] = "AES-128-CBC",   [JOSE_AES256_CBC] = "AES-256-CBC",
    [JOSE_AES128_WRAP] = "AES-128-WRAP", [JOSE_AES256_WRAP] = "AES-256-WRAP",
};

int jose_failed(int code)
{
    ERR_clear_error();
    return code;
}

const char *jose_digest_name(enum jose_digest digest)
{
    return digests[digest];
}

/* The FIPS module cannot read key files or encode anything: "base" does that for it. */
static int load_providers(struct jose *jose)
{
    static const char *const fips[] = {"fips", "base"};
    static const char *const usual[] = {"default", NULL};
    const char *const *names = EVP_default_properties_is_fips_enabled(jose->lib) ? fips : usual;
    for (size_t i = 0; i < 2 && names[i]; i++) {
        jose->providers[i] = OSSL_PROVIDER_load(jose->lib, names[i]);
        if (!jose->providers[i])
            return jose_failed(JOSE_UNSUPPORTED);
    }
    return 0;
}

static int fetch_algorithms(struct jose *jose)
{
    bool complete = true;
    for (size_t i = 0; i < JOSE_DIGESTS; i++)
        complete &= (jose->digests[i] = EVP_MD_fetch(jose->lib, digests[i], NULL)) != NULL;
    for (size_t i = 0; i < JOSE_CIPHERS; i++)
        complete &= (jose->ciphers[i] = EVP_CIPHER_fetch(jose->lib, ciphers[i], NULL)) != NULL;
    complete &= (jose->sskdf = EVP_KDF_fetch(jose->lib, "SSKDF", NULL)) != NULL;
    complete &= (jose->hmac = EVP_MAC_fetch(jose->lib, "HMAC", NULL)) != NULL;
    return complete ? 0 : jose_failed(JOSE_UNSUPPORTED);
}

static int prepare(struct jose *jose, const char *properties)
{
    jose->lib = OSSL_LIB_CTX_new();
    if (!jose->lib)
        return jose_failed(JOSE_MEMORY);
    /* As the context's default it also holds for what OpenSSL fetches by itself. */
    if (properties && EVP_set_default_properties(jose->lib, properties) != 1)
        return jose_failed(JOSE_INVALID);
    int r = load_providers(jose);
    return r < 0 ? r : fetch_algorithms(jose);
}

int jose_new(const char *properties, struct jose **ret_jose)
{
    struct jose *jose = calloc(1, sizeof *jose);
    if (!jose)
        return JOSE_MEMORY;
    int r = prepare(jose, properties);
    if (r < 0) {
        jose_free(jose);
        return r;
    }
    *ret_jose = jose;
    return 0;
}

void jose_free(struct jose *jose)
{
    if (!jose)
        return;
    EVP_MAC_free(jose->hmac);
    EVP_KDF_free(jose->sskdf);
    for (size_t i = 0; i < JOSE_CIPHERS; i++)
        EVP_CIPHER_free(jose->ciphers[i]);
    for (size_t i = 0; i < JOSE_DIGESTS; i++)
        EVP_MD_free(jose->digests[i]);
    for (size_t i = 0; i < 2; i++)
        if (jose->providers[i])
            OSSL_PROVIDER_unload(jose->providers[i]);
    OSSL_LIB_CTX_free(jose->lib);
    free(jose);
}
