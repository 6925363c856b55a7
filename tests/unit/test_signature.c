/* Tests of pkcs11/signature.c: what one signature leaves behind on its session, and whose fault it
 * is that there is none. */
#include "config.h"
#include "pkcs11/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* A token whose only key makes signatures of this length. */
static CK_ULONG signature_length;
static bool active;
static CK_RV refusal; /* what it says of all data */

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)mechanism;
    (void)key;
    if (active)
        return CKR_OPERATION_ACTIVE;
    active = true;
    return CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                  CK_ULONG *signature_len)
{
    (void)session;
    (void)data;
    (void)data_len;
    if (!active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (refusal != CKR_OK) {
        active = false;
        return refusal;
    }
    CK_ULONG room = *signature_len;
    *signature_len = signature_length;
    if (room < signature_length)
        return CKR_BUFFER_TOO_SMALL;
    memset(signature, 's', signature_length);
    active = false;
    return CKR_OK;
}

static int try(CK_ULONG length, bool hashed, struct p11_error *error)
{
    static CK_FUNCTION_LIST functions = {.C_SignInit = sign_init, .C_Sign = sign};
    struct signing signing = {.mech = mech_find("RS256"), .prehashed = hashed, .hashed = hashed};
    static const unsigned char hash[32];
    unsigned char signature[MECH_SIGNATURE_MAX];
    size_t signature_len = 0;
    signature_length = length;
    int r = signature_make(&functions, 1, 2, &signing, hash, hashed ? sizeof hash : 1, signature,
                           &signature_len, error);
    if (r == 0)
        assert_int_equal(signature_len, length);
    return r;
}

static void too_long_ones_leave_nothing_under_way(void **state)
{
    (void)state;
    struct p11_error error;
    assert_int_equal(try(512, false, &error), 0);
    assert_int_equal(try(1024, false, &error), P11_KEY);
    assert_string_equal(error.call, "C_Sign");
    assert_int_equal(error.rv, CKR_BUFFER_TOO_SMALL);
    assert_int_equal(try(256, false, &error), 0);
}

/* What cannot succeed is not "the token refused the call", which may be tried again. */
static void data_that_the_token_does_not_take(void **state)
{
    static const CK_RV refusals[] = {CKR_DATA_INVALID, CKR_DATA_LEN_RANGE};
    struct p11_error error;
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        refusal = refusals[i];
        assert_int_equal(try(256, false, &error), P11_DATA);
        assert_int_equal(error.rv, refusal);
        assert_int_equal(try(256, true, &error), P11_KEY);
    }
    refusal = CKR_FUNCTION_NOT_SUPPORTED;
    assert_int_equal(try(256, false, &error), P11_FAILED);
    refusal = CKR_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_long_ones_leave_nothing_under_way),
        cmocka_unit_test(data_that_the_token_does_not_take),
    };
    return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
