/* Tests of pkcs11/key/hmac_key.c: from a client secret to a key. */
#include "config.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* `length` bytes of text as a secret. */
static void fill(struct secret *secret, const char *text, size_t length)
{
    assert_int_equal(secret_reserve(secret, length), 0);
    memcpy(secret->data, text, length);
}

static int make(const char *text, size_t length, const char *algorithm, const char *derivation,
                bool allow_short, struct secret *ret_key, struct p11_error *error)
{
    _cleanup_secret_ struct secret secret = {0};
    fill(&secret, text, length);
    return hmac_key_make(&secret, mech_find(algorithm),
                         derivation ? hmac_key_derivation(derivation) : NULL, allow_short, ret_key,
                         error);
}

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";

static void secret_is_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        size_t shortest;
    } rows[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_secret_ struct secret key = {0};
        struct p11_error error;
        size_t length = rows[i].shortest;
        assert_int_equal(make(letters, length, rows[i].algorithm, NULL, false, &key, &error), 0);
        assert_int_equal(key.length, length);
        assert_memory_equal(key.data, letters, length);
        secret_wipe(&key);
        assert_int_equal(make(letters, length - 1, rows[i].algorithm, NULL, false, &key, &error),
                         P11_INVALID);
        assert_non_null(strstr(error.text, "RFC 7518 section 3.2"));
        assert_non_null(strstr(error.text, "--allow-short"));
        assert_null(key.data);
    }
}

static void bad_secrets(void **state)
{
    (void)state;
    struct secret key = {0};
    struct p11_error error;
    assert_int_equal(make("", 0, "HS256", NULL, true, &key, &error), P11_INVALID);
    assert_non_null(strstr(error.text, "empty"));
    static const char with_nul[40] = "a secret that ends early";
    assert_int_equal(make(with_nul, sizeof with_nul, "HS256", NULL, false, &key, &error),
                     P11_INVALID);
    assert_non_null(strstr(error.text, "NUL"));
    assert_int_equal(make(with_nul, sizeof with_nul, "HS256", "authway", true, &key, &error),
                     P11_INVALID);
    assert_null(key.data);
}

static void short_secrets_are_padded(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    static const unsigned char zeros[HMAC_KEY_PADDED];
    struct p11_error error;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_secret_ struct secret key = {0};
        assert_int_equal(make(letters, 14, algorithms[i], NULL, true, &key, &error), 0);
        assert_int_equal(key.length, HMAC_KEY_PADDED);
        assert_memory_equal(key.data, letters, 14);
        assert_memory_equal(key.data + 14, zeros, HMAC_KEY_PADDED - 14);
        secret_wipe(&key);
        assert_int_equal(make(letters, 13, algorithms[i], NULL, true, &key, &error), P11_INVALID);
        assert_non_null(strstr(error.text, "14"));
    }
}

static void long_secrets_are_not_padded(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret key = {0};
    struct p11_error error;
    assert_int_equal(make(letters, 40, "HS256", NULL, true, &key, &error), 0);
    assert_int_equal(key.length, 40);
}

static void authway(void **state)
{
    (void)state;
    static const char secret[] = "W7k1i3EvpYSApLj6CW7pYGkYsFTGdwJ96m0uIh64";
    _cleanup_secret_ struct secret key = {0};
    struct p11_error error;
    assert_string_equal(hmac_key_derivation("authway")->algorithm, "HS256");
    assert_int_equal(make(secret, strlen(secret), "HS256", "authway", false, &key, &error), 0);
    assert_int_equal(key.length, 44);
    assert_string_equal((char *)key.data, "DsvTiGmtZG3sMea/dkukX13azeXvw2/xno/4+YTRVKU=");
    secret_wipe(&key);
    /* The rules are for the secret: the key has 44 bytes always, and is never padded. */
    assert_int_equal(make(secret, 20, "HS256", "authway", false, &key, &error), P11_INVALID);
    assert_int_equal(make(secret, 20, "HS256", "authway", true, &key, &error), 0);
    assert_int_equal(key.length, 44);
    assert_null(hmac_key_derivation("pingone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_is_the_key),
        cmocka_unit_test(bad_secrets),
        cmocka_unit_test(short_secrets_are_padded),
        cmocka_unit_test(long_secrets_are_not_padded),
        cmocka_unit_test(authway),
    };
    return cmocka_run_group_tests_name("hmac_key", tests, NULL, NULL);
}
