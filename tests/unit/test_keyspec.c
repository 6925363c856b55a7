/* Tests of pkcs11/key/keyspec.c: types of keys, by name and as found on a token. */
#include "config.h"
#include "pkcs11/key/keyspec.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct fake_object key;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_hmac_key(&key, "acme", "01");
    fake.objects = &key;
    fake.object_count = 1;
    return 0;
}

static const char *describe(char name[static KEYSPEC_NAME_MAX])
{
    struct object object;
    struct p11_error error;
    assert_int_equal(object_read(&fake_functions, FAKE_SESSION_FIRST, 1, &object, &error), 0);
    return keyspec_describe(&fake_functions, FAKE_SESSION_FIRST, &object, name);
}

static void expect(const char *wanted, bool fit)
{
    char name[KEYSPEC_NAME_MAX];
    const char *unfit = describe(name);
    assert_string_equal(name, wanted);
    assert_int_equal(!unfit, fit);
}

static void secrets(void **state)
{
    (void)state;
    expect("hmac:256", true);
    fake_set_ulong(&key, CKA_VALUE_LEN, 18);
    expect("hmac:144", false);
    fake_unset(&key, CKA_VALUE_LEN);
    expect("hmac", true);
    fake_set_ulong(&key, CKA_VALUE_LEN, 64);
    fake_set_ulong(&key, CKA_KEY_TYPE, CKK_SHA512_HMAC);
    expect("hmac-sha512:512", true);
    fake_set_ulong(&key, CKA_KEY_TYPE, CKK_AES);
    expect("aes:512", false);
    fake_set_ulong(&key, CKA_KEY_TYPE, 0x7fffffff);
    expect("0x7fffffff", false);
    fake_unset(&key, CKA_KEY_TYPE);
    char name[KEYSPEC_NAME_MAX];
    assert_non_null(describe(name));
}

static void rsa(void **state)
{
    (void)state;
    unsigned char modulus[257];
    memset(modulus, 0xff, sizeof modulus);
    fake_set_ulong(&key, CKA_CLASS, CKO_PRIVATE_KEY);
    fake_set_ulong(&key, CKA_KEY_TYPE, CKK_RSA);
    expect("rsa", true);
    fake_set(&key, CKA_MODULUS, modulus, 256);
    expect("rsa:2048", true);
    fake_set(&key, CKA_MODULUS, modulus, 128);
    expect("rsa:1024", false);
    modulus[0] = 0; /* some tokens write a sign byte */
    fake_set(&key, CKA_MODULUS, modulus, 257);
    expect("rsa:2048", true);
}

static void curves(void **state)
{
    (void)state;
    static const char *const names[] = {"ec:P-256", "ec:P-384", "ec:P-521", "ed25519"};
    fake_set_ulong(&key, CKA_CLASS, CKO_PRIVATE_KEY);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct keyspec *keyspec = keyspec_find(names[i]);
        assert_non_null(keyspec);
        fake_set_ulong(&key, CKA_KEY_TYPE, keyspec->key_type);
        for (size_t k = 0; k < KEYSPEC_PARAMS && keyspec->params[k].data; k++) {
            fake_set(&key, CKA_EC_PARAMS, keyspec->params[k].data, keyspec->params[k].length);
            expect(names[i], true);
        }
    }
    fake_set_ulong(&key, CKA_KEY_TYPE, CKK_EC);
    fake_set(&key, CKA_EC_PARAMS, "\x06\x05\x2b\x81\x04\x00\x0a", 7); /* secp256k1 */
    expect("ec", false);
    fake_unset(&key, CKA_EC_PARAMS);
    expect("ec", false);
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(keyspec_find("rsa:3072")->size, 3072);
    assert_int_equal(keyspec_find("hmac:384")->size, 48);
    assert_null(keyspec_find("rsa:1024"));
    assert_null(keyspec_find("ec:p-256"));
    assert_null(keyspec_find(""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {TEST(secrets), TEST(rsa), TEST(curves), TEST(names)};
    return cmocka_run_group_tests_name("keyspec", tests, NULL, NULL);
}
