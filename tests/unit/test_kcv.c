/* Tests of pkcs11/key/kcv.c: check values, of three bytes and no more. */
#include "config.h"
#include "pkcs11/key/kcv.h"
#include "pkcs11/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define KEY "abcdefghijklmnopqrstuvwxyzABCDEF"

/* As openssl dgst -hmac has them. */
static void of_a_key(void **state)
{
    static const struct {
        const char *algorithm, *kcv;
    } rows[] = {{"HS256", "HS256:f97dbb"}, {"HS512", "HS512:83e2ba"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct secret key = {(unsigned char *)KEY, sizeof KEY - 1};
        struct p11_error error;
        char kcv[KCV_MAX];
        assert_int_equal(kcv_of_key(&key, mech_find(rows[i].algorithm), kcv, &error), 0);
        assert_string_equal(kcv, rows[i].kcv);
    }
}

/* A token with the key: all 32 bytes of its answers begin with the same. */
static CK_MECHANISM_TYPE asked;
static CK_RV refusal;

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session, (void)key;
    asked = mechanism->mechanism;
    return refusal;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                  CK_ULONG *signature_len)
{
    (void)session, (void)data, (void)data_len;
    *signature_len = asked == CKM_SHA512_HMAC ? 64 : 32;
    memset(signature, 0xab, *signature_len);
    return CKR_OK;
}

static const char *kcv_of(CK_OBJECT_CLASS object_class, CK_KEY_TYPE type, const char *algorithm)
{
    static CK_FUNCTION_LIST functions = {.C_SignInit = sign_init, .C_Sign = sign};
    static char kcv[KCV_MAX];
    struct module module = {.fn = &functions};
    struct token token = {.module = &module};
    struct object object = {.object_class = object_class, .key_type = type};
    kcv_of_object(&token, &object, mech_find(algorithm), kcv);
    return kcv;
}

static void of_an_object(void **state)
{
    (void)state;
    assert_string_equal(kcv_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET, "HS256"), "HS256:ababab");
    assert_string_equal(kcv_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET, "HS512"), "HS512:ababab");
    assert_string_equal(kcv_of(CKO_SECRET_KEY, CKK_SHA512_HMAC, "HS256"), "HS512:ababab");
    assert_string_equal(kcv_of(CKO_SECRET_KEY, CKK_AES, "HS256"), "");
    assert_string_equal(kcv_of(CKO_PRIVATE_KEY, CKK_RSA, "HS256"), "");
    assert_string_equal(kcv_of(CKO_PUBLIC_KEY, CKK_GENERIC_SECRET, "HS256"), "");
}

static void of_one_that_does_not_sign(void **state)
{
    (void)state;
    refusal = CKR_KEY_FUNCTION_NOT_PERMITTED;
    assert_string_equal(kcv_of(CKO_SECRET_KEY, CKK_GENERIC_SECRET, "HS256"), "");
    refusal = CKR_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_key),
        cmocka_unit_test(of_an_object),
        cmocka_unit_test(of_one_that_does_not_sign),
    };
    return cmocka_run_group_tests_name("kcv", tests, NULL, NULL);
}
