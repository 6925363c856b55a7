/* Tests of pkcs11/object.c: reading attributes, and which keys are fit for signing. */
#include "config.h"
#include "pkcs11/object.h"
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

static struct object read_key(void)
{
    struct object object;
    struct p11_error error;
    assert_int_equal(object_read(&fake_functions, FAKE_SESSION_FIRST, 1, &object, &error), 0);
    return object;
}

static void make_private_key(void)
{
    fake_set_ulong(&key, CKA_CLASS, CKO_PRIVATE_KEY);
    fake_set_ulong(&key, CKA_KEY_TYPE, CKK_RSA);
    fake_unset(&key, CKA_VALUE_LEN);
    fake_unset(&key, CKA_ENCRYPT);
    fake_unset(&key, CKA_WRAP);
    fake_unset(&key, CKA_VERIFY);
}

static void expect_fit(void)
{
    struct object object = read_key();
    char reason[200];
    assert_false(object_unfit(&object, reason, sizeof reason));
}

static void expect_unfit(const char *words)
{
    struct object object = read_key();
    char reason[200] = "";
    assert_true(object_unfit(&object, reason, sizeof reason));
    assert_non_null(strstr(reason, words));
}

static void all_attributes(void **state)
{
    (void)state;
    struct object object = read_key();
    assert_int_equal(object.handle, 1);
    assert_int_equal(object.object_class, CKO_SECRET_KEY);
    assert_int_equal(object.key_type, CKK_GENERIC_SECRET);
    assert_int_equal(object.value_len, 32);
    assert_string_equal(object.label, "acme");
    assert_int_equal(object.label_len, 4);
    assert_memory_equal(object.id, "01", 2);
    assert_int_equal(object.id_len, 2);
    assert_int_equal(object.set, OBJECT_PRIVATE | OBJECT_SENSITIVE | OBJECT_SIGN | OBJECT_VERIFY);
    assert_true(object.told & OBJECT_EXTRACTABLE);
    assert_false(object.told & OBJECT_SIGN_RECOVER);
}

static void attributes_that_are_not_told(void **state)
{
    (void)state;
    fake_unset(&key, CKA_LABEL);
    fake_unset(&key, CKA_VALUE_LEN);
    fake_unset(&key, CKA_LOCAL);
    key.attributes[1].sensitive = true; /* the key type */
    struct object object = read_key();
    assert_string_equal(object.label, "");
    assert_int_equal(object.label_len, 0);
    assert_int_equal(object.value_len, 0);
    assert_int_equal(object.key_type, CK_UNAVAILABLE_INFORMATION);
    assert_false(object.told & OBJECT_LOCAL);
    assert_true(object.told & OBJECT_SIGN);
    assert_int_equal(object.id_len, 2);
}

static void longest_names(void **state)
{
    (void)state;
    char name[OBJECT_LABEL_MAX + 1];
    memset(name, 'x', sizeof name);
    fake_set(&key, CKA_LABEL, name, OBJECT_LABEL_MAX);
    fake_set(&key, CKA_ID, name, OBJECT_ID_MAX);
    struct object object = read_key();
    assert_int_equal(object.label_len, OBJECT_LABEL_MAX);
    assert_int_equal(strlen(object.label), OBJECT_LABEL_MAX);
    assert_int_equal(object.id_len, OBJECT_ID_MAX);
    fake_set(&key, CKA_LABEL, name, OBJECT_LABEL_MAX + 1);
    fake_set(&key, CKA_ID, name, OBJECT_ID_MAX + 1);
    object = read_key();
    assert_int_equal(object.label_len, 0);
    assert_int_equal(object.id_len, 0);
    assert_true(object.told & OBJECT_SIGN);
}

static void expect_untold(const char *wanted)
{
    char names[200];
    struct object object = read_key();
    object_untold(&object, names, sizeof names);
    assert_string_equal(names, wanted);
}

static void names_of_what_is_not_told(void **state)
{
    (void)state;
    expect_untold("");
    fake_unset(&key, CKA_VALUE_LEN);
    expect_untold("length");
    fake_unset(&key, CKA_LOCAL);
    fake_unset(&key, CKA_WRAP);
    expect_untold("local, wrap, length");
    char few[12];
    struct object object = read_key();
    object_untold(&object, few, sizeof few);
    assert_string_equal(few, "local, wrap");

    setup(state);
    make_private_key(); /* which tells neither of its own two */
    expect_untold("sign-recover, always-authenticate");
    fake_set_flag(&key, CKA_SIGN_RECOVER, CK_FALSE);
    fake_set_flag(&key, CKA_ALWAYS_AUTHENTICATE, CK_FALSE);
    expect_untold("");
    fake_unset(&key, CKA_DERIVE);
    expect_untold("derive");
}

static void failures(void **state)
{
    (void)state;
    struct object object;
    struct p11_error error;
    CK_FUNCTION_LIST *fn = &fake_functions;
    assert_int_equal(object_read(fn, 1, 2, &object, &error), P11_UNAVAILABLE);
    assert_int_equal(error.rv, CKR_OBJECT_HANDLE_INVALID);
    fake.get_attributes = CKR_DEVICE_REMOVED;
    assert_int_equal(object_read(fn, 1, 1, &object, &error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_GetAttributeValue");
    fake.get_attributes = CKR_ARGUMENTS_BAD;
    assert_int_equal(object_read(fn, 1, 1, &object, &error), P11_FAILED);
}

static void fit_keys(void **state)
{
    (void)state;
    expect_fit();
    fake_set_flag(&key, CKA_VERIFY, CK_FALSE);
    expect_fit();
    make_private_key();
    expect_fit();
    fake_set_flag(&key, CKA_SIGN_RECOVER, CK_FALSE);
    fake_set_flag(&key, CKA_ALWAYS_AUTHENTICATE, CK_FALSE);
    expect_fit();
}

/* Each flag alone makes a key unfit, and so does its absence. */
static void unfit_keys(void **state)
{
    (void)state;
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL bad;
        const char *words, *untold;
    } rows[] = {
        {CKA_PRIVATE, CK_FALSE, "is not CKA_PRIVATE", "\"private\""},
        {CKA_SENSITIVE, CK_FALSE, "is not CKA_SENSITIVE", "\"sensitive\""},
        {CKA_EXTRACTABLE, CK_TRUE, "is CKA_EXTRACTABLE", "\"extractable\""},
        {CKA_SIGN, CK_FALSE, "is not CKA_SIGN", "\"sign\""},
        {CKA_ENCRYPT, CK_TRUE, "CKA_ENCRYPT", "\"encrypt\""},
        {CKA_DECRYPT, CK_TRUE, "CKA_DECRYPT", "\"decrypt\""},
        {CKA_WRAP, CK_TRUE, "CKA_WRAP", "\"wrap\""},
        {CKA_UNWRAP, CK_TRUE, "CKA_UNWRAP", "\"unwrap\""},
        {CKA_DERIVE, CK_TRUE, "CKA_DERIVE", "\"derive\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup(NULL);
        fake_set_flag(&key, rows[i].type, rows[i].bad);
        expect_unfit(rows[i].words);
        fake_unset(&key, rows[i].type);
        expect_unfit(rows[i].untold);
        fake_set_flag(&key, rows[i].type, 2); /* neither true nor false */
        expect_unfit(rows[i].untold);
    }
}

static void private_keys_alone(void **state)
{
    (void)state;
    make_private_key();
    fake_set_flag(&key, CKA_ENCRYPT, CK_TRUE); /* which is no ability of private keys */
    fake_set_flag(&key, CKA_WRAP, CK_TRUE);
    expect_fit();
    fake_set_flag(&key, CKA_SIGN_RECOVER, CK_TRUE);
    expect_unfit("CKA_SIGN_RECOVER");
    fake_set_flag(&key, CKA_SIGN_RECOVER, CK_FALSE);
    fake_set_flag(&key, CKA_ALWAYS_AUTHENTICATE, CK_TRUE);
    expect_unfit("CKA_ALWAYS_AUTHENTICATE");
}

static void one_flag_proves_another(void **state)
{
    (void)state;
    fake_unset(&key, CKA_SENSITIVE);
    fake_set_flag(&key, CKA_ALWAYS_SENSITIVE, CK_TRUE);
    expect_fit();
    fake_unset(&key, CKA_EXTRACTABLE);
    fake_set_flag(&key, CKA_NEVER_EXTRACTABLE, CK_TRUE);
    expect_fit();
    /* What is told goes before what would prove the opposite. */
    fake_set_flag(&key, CKA_EXTRACTABLE, CK_TRUE);
    expect_unfit("is CKA_EXTRACTABLE");
}

static void names_of_flags(void **state)
{
    (void)state;
    assert_string_equal(object_flag_name(OBJECT_PRIVATE), "private");
    assert_string_equal(object_flag_name(OBJECT_ALWAYS_AUTHENTICATE), "always-authenticate");
    assert_null(object_flag_name(0));
}

static void keys_that_unwrap(void **state)
{
    (void)state;
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL bad;
        const char *words;
    } rows[] = {
        {CKA_PRIVATE, CK_FALSE, "CKA_PRIVATE"},        {CKA_SENSITIVE, CK_FALSE, "CKA_SENSITIVE"},
        {CKA_EXTRACTABLE, CK_TRUE, "CKA_EXTRACTABLE"}, {CKA_UNWRAP, CK_FALSE, "cannot unwrap"},
        {CKA_DECRYPT, CK_TRUE, "may decrypt"},         {CKA_SIGN, CK_TRUE, "may sign"},
    };
    char reason[200];
    make_private_key();
    fake_set_flag(&key, CKA_SIGN, CK_FALSE);
    fake_set_flag(&key, CKA_UNWRAP, CK_TRUE);
    struct object object = read_key();
    assert_false(object_unfit_to_unwrap(&object, reason, sizeof reason));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_set_flag(&key, rows[i].type, rows[i].bad);
        object = read_key();
        assert_true(object_unfit_to_unwrap(&object, reason, sizeof reason));
        assert_non_null(strstr(reason, rows[i].words));
        fake_set_flag(&key, rows[i].type, !rows[i].bad);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(all_attributes), TEST(attributes_that_are_not_told), TEST(longest_names),
        TEST(failures),       TEST(names_of_what_is_not_told),    TEST(fit_keys),
        TEST(unfit_keys),     TEST(private_keys_alone),           TEST(one_flag_proves_another),
        TEST(names_of_flags), cmocka_unit_test(keys_that_unwrap),
    };
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
