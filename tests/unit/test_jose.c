/* Tests of the OpenSSL context: nobody else's provider comes into it. */
#include "config.h"
#include "agent/jose/jose.h"

#include <openssl/provider.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* An openssl.cnf that has the legacy provider loaded: it stands for any module. */
static const char config[] = "openssl_conf = init\n"
                             "[init]\n"
                             "providers = providers\n"
                             "[providers]\n"
                             "default = on\n"
                             "legacy = on\n"
                             "[on]\n"
                             "activate = 1\n";

static int add_name(OSSL_PROVIDER *provider, void *names)
{
    strcat(names, OSSL_PROVIDER_get0_name(provider));
    strcat(names, " ");
    return 1;
}

static void openssl_conf_brings_no_provider_in(void **state)
{
    char names[256] = "";
    struct jose *jose;
    (void)state;
    assert_int_equal(jose_new(NULL, &jose), 0);
    assert_int_equal(OSSL_PROVIDER_do_all(jose->lib, add_name, names), 1);
    assert_string_equal(names, "default ");
    jose_free(jose);
    /* The default context did read it, so there was something to keep out. */
    if (OSSL_PROVIDER_available(NULL, "legacy") != 1)
        skip();
}

static void everything_is_fetched(void **state)
{
    struct jose *jose;
    (void)state;
    assert_int_equal(jose_new("provider=default", &jose), 0);
    for (size_t i = 0; i < JOSE_DIGESTS; i++)
        assert_true(EVP_MD_is_a(jose->digests[i], jose_digest_name((enum jose_digest)i)));
    for (size_t i = 0; i < JOSE_CIPHERS; i++)
        assert_non_null(jose->ciphers[i]);
    assert_non_null(jose->sskdf);
    assert_non_null(jose->hmac);
    jose_free(jose);
    jose_free(NULL);
}

static void properties_are_obeyed(void **state)
{
    struct jose *jose = NULL;
    (void)state;
    assert_int_equal(jose_new("provider=nobody", &jose), JOSE_UNSUPPORTED);
    assert_int_equal(jose_new("=no query=", &jose), JOSE_INVALID);
    assert_null(jose);
}

/* Without the FIPS provider there is no context: never one that is not what was asked for. */
static void fips_is_fips_or_nothing(void **state)
{
    struct jose *jose = NULL;
    (void)state;
    if (jose_new("fips=yes", &jose) < 0) {
        assert_null(jose);
        return;
    }
    assert_int_equal(OSSL_PROVIDER_available(jose->lib, "fips"), 1);
    assert_int_equal(OSSL_PROVIDER_available(jose->lib, "default"), 0);
    jose_free(jose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_conf_brings_no_provider_in),
        cmocka_unit_test(everything_is_fetched),
        cmocka_unit_test(properties_are_obeyed),
        cmocka_unit_test(fips_is_fips_or_nothing),
    };
    char path[] = "/tmp/test_jose.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || dprintf(fd, "%s", config) < 0 || setenv("OPENSSL_CONF", path, 1) < 0)
        return 99;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
