/* An OpenSSL library context of our own, with every algorithm that this folder uses fetched. */
#include "config.h"
#include "agent/jose/jose.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* The providers of FIPS mode. The module starts with the settings of its installation alone, which
 * `openssl fipsinstall` wrote into a file beside openssl.cnf; "base" reads and writes keys. */
static const char fips_config[] = "openssl_conf = init\n"
                                  "[init]\n"
                                  "providers = providers\n"
                                  "[providers]\n"
                                  "fips = fips_sect\n"
                                  "base = base_sect\n"
                                  "[base_sect]\n"
                                  "activate = 1\n"
                                  ".include %s\n";

static int load_fips_with(struct jose *jose, const char *settings)
{
    bool done = false;
    CONF *conf = NCONF_new_ex(jose->lib, NULL);
    BIO *text = BIO_new(BIO_s_mem());
    if (conf && text && BIO_printf(text, fips_config, settings) > 0)
        done = NCONF_load_bio(conf, text, NULL) == 1 && CONF_modules_load(conf, NULL, 0) == 1;
    BIO_free(text);
    NCONF_free(conf);
    return done && OSSL_PROVIDER_available(jose->lib, "fips") == 1 ? 0
                                                                   : jose_failed(JOSE_UNSUPPORTED);
}

static int load(struct jose *jose, const char *name, OSSL_PROVIDER **ret_provider)
{
    *ret_provider = OSSL_PROVIDER_load(jose->lib, name);
    return *ret_provider ? 0 : jose_failed(JOSE_UNSUPPORTED);
}

static int load_providers(struct jose *jose)
{
    if (!EVP_default_properties_is_fips_enabled(jose->lib))
        return load(jose, "default", &jose->providers[0]);
    char settings[PATH_MAX];
    const char *folder = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
    int n = snprintf(settings, sizeof settings, "%s/fipsmodule.cnf", folder ? folder : "");
    if (n < (int)sizeof settings && access(settings, R_OK) == 0)
        return load_fips_with(jose, settings);
    /* Some distributions build the settings into their module. */
    int r = load(jose, "fips", &jose->providers[0]);
    return r < 0 ? r : load(jose, "base", &jose->providers[1]);
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
