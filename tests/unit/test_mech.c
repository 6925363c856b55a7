/* Tests of pkcs11/mech.c: the table of algorithms. */
#include "config.h"
#include "pkcs11/crypto.h"
#include "pkcs11/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void hmac_rows(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        CK_MECHANISM_TYPE mechanism;
        CK_KEY_TYPE own_type;
        size_t length;
    } rows[] = {
        {"HS256", CKM_SHA256_HMAC, CKK_SHA256_HMAC, 32},
        {"HS384", CKM_SHA384_HMAC, CKK_SHA384_HMAC, 48},
        {"HS512", CKM_SHA512_HMAC, CKK_SHA512_HMAC, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct mech *mech = mech_find(rows[i].algorithm);
        assert_non_null(mech);
        assert_string_equal(mech->algorithm, rows[i].algorithm);
        assert_int_equal(mech->object_class, CKO_SECRET_KEY);
        assert_int_equal(mech->key_types[0], CKK_GENERIC_SECRET);
        assert_int_equal(mech->key_types[1], rows[i].own_type);
        assert_int_equal(mech->mechanism, rows[i].mechanism);
        assert_int_equal(mech->key_min, rows[i].length);
        assert_int_equal(mech->signature_len, rows[i].length);
    }
}

static void other_names_have_no_row(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "hs256", "HS25", "HS2566", "", "RSA1_5"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_null(mech_find(names[i]));
}

static void rows_one_by_one(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct mech *mech; (mech = mech_at(count)); count++) {
        assert_ptr_equal(mech_find(mech->algorithm), mech);
        if (mech_is_rsa(mech))
            assert_int_equal(mech->signature_len, 0); /* as long as the modulus */
        else
            assert_in_range(mech->signature_len, 1, MECH_SIGNATURE_MAX);
        assert_in_range(mech_hash_at(mech->digest)->length, 1, CRYPTO_DIGEST_MAX);
    }
    assert_int_equal(count, 13); /* HS, RS, PS and ES at three sizes, EdDSA */
    assert_null(mech_at(count + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_rows),
        cmocka_unit_test(other_names_have_no_row),
        cmocka_unit_test(rows_one_by_one),
    };
    return cmocka_run_group_tests_name("mech", tests, NULL, NULL);
}
