/* Tests of pkcs11/error.c: names of return values, rungs, and sentences. */
#include "config.h"
#include "pkcs11/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void return_values_have_names(void **state)
{
    (void)state;
    assert_string_equal(p11_rv_name(CKR_OK), "CKR_OK");
    assert_string_equal(p11_rv_name(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
    assert_string_equal(p11_rv_name(CKR_FUNCTION_REJECTED), "CKR_FUNCTION_REJECTED");
    assert_null(p11_rv_name(CKR_VENDOR_DEFINED | 17));
    assert_null(p11_rv_name(0x1ff));
}

static void rungs(void **state)
{
    (void)state;
    assert_int_equal(p11_rv_rung(CKR_OK), P11_RUNG_NONE);
    assert_int_equal(p11_rv_rung(CKR_KEY_SIZE_RANGE), P11_RUNG_NONE);
    assert_int_equal(p11_rv_rung(CKR_SESSION_HANDLE_INVALID), P11_RUNG_SESSION);
    assert_int_equal(p11_rv_rung(CKR_USER_NOT_LOGGED_IN), P11_RUNG_LOGIN);
    assert_int_equal(p11_rv_rung(CKR_KEY_HANDLE_INVALID), P11_RUNG_LOGIN);
    assert_int_equal(p11_rv_rung(CKR_DEVICE_ERROR), P11_RUNG_MODULE);
    assert_int_equal(p11_rv_rung(CKR_VENDOR_DEFINED | 17), P11_RUNG_SESSION);
    assert_string_equal(p11_rung_name(P11_RUNG_SESSION), "session");
    assert_string_equal(p11_rung_name(P11_RUNG_PROCESS), "process");
}

static void failed_call(void **state)
{
    (void)state;
    struct p11_error error;
    char text[P11_ERROR_TEXT_MAX];
    int r = p11_error_call(&error, P11_UNAVAILABLE, "C_Sign", CKR_DEVICE_ERROR);
    assert_int_equal(r, P11_UNAVAILABLE);
    assert_int_equal(error.code, P11_UNAVAILABLE);
    assert_int_equal(error.rv, CKR_DEVICE_ERROR);
    assert_ptr_equal(p11_error_describe(&error, text, sizeof text), text);
    assert_string_equal(text, "C_Sign: CKR_DEVICE_ERROR");
    p11_error_call(&error, P11_FAILED, "C_Sign", CKR_VENDOR_DEFINED | 0xab);
    assert_string_equal(p11_error_describe(&error, text, sizeof text), "C_Sign: CK_RV 0x800000ab");
}

static void sentence(void **state)
{
    (void)state;
    struct p11_error error;
    char text[P11_ERROR_TEXT_MAX];
    assert_int_equal(p11_error_text(&error, P11_KEY, "%d keys", 2), P11_KEY);
    assert_int_equal(error.rv, CKR_OK);
    assert_string_equal(p11_error_describe(&error, text, sizeof text), "2 keys");
}

static void long_sentence_is_cut(void **state)
{
    (void)state;
    struct p11_error error;
    char text[8];
    p11_error_text(&error, P11_KEY, "%0*d", 2 * P11_ERROR_TEXT_MAX, 0);
    assert_int_equal(strlen(error.text), P11_ERROR_TEXT_MAX - 1);
    assert_string_equal(p11_error_describe(&error, text, sizeof text), "0000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(return_values_have_names),
        cmocka_unit_test(rungs),
        cmocka_unit_test(failed_call),
        cmocka_unit_test(sentence),
        cmocka_unit_test(long_sentence_is_cut),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
