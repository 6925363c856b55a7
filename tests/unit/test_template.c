/* Tests of pkcs11/key/template.c: every use is written down, and tokens are asked well. */
#include "config.h"
#include "pkcs11/key/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct template make(CK_OBJECT_CLASS object_class)
{
    struct template template;
    template_begin(&template, object_class);
    template_add(&template, CKA_LABEL, "acme", 4);
    template_finish(&template, TEMPLATE_SIGN);
    return template;
}

static const CK_ATTRIBUTE *find(const struct template *template, CK_ATTRIBUTE_TYPE type)
{
    const CK_ATTRIBUTE *found = NULL;
    for (CK_ULONG i = 0; i < template->count; i++) {
        if (template->attributes[i].type != type)
            continue;
        assert_null(found); /* none is there twice */
        found = &template->attributes[i];
    }
    return found;
}

static void expect_flag(const struct template *template, CK_ATTRIBUTE_TYPE type, CK_BBOOL value)
{
    const CK_ATTRIBUTE *attribute = find(template, type);
    assert_non_null(attribute);
    assert_int_equal(attribute->ulValueLen, sizeof(CK_BBOOL));
    assert_int_equal(*(CK_BBOOL *)attribute->pValue, value);
}

static void class_and_names_come_first(void **state)
{
    (void)state;
    struct template template = make(CKO_SECRET_KEY);
    assert_int_equal(template.attributes[0].type, CKA_CLASS);
    assert_int_equal(*(CK_OBJECT_CLASS *)template.attributes[0].pValue, CKO_SECRET_KEY);
    assert_int_equal(template.attributes[1].type, CKA_LABEL);
    assert_in_range(template.optional, 1, template.count - 2);
}

static void protections(void **state)
{
    (void)state;
    static const CK_OBJECT_CLASS classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY};
    for (size_t i = 0; i < 2; i++) {
        struct template all = make(classes[i]);
        /* Even with as little as possible, what protects the key is there. */
        struct template least = template_without(&all, UINT32_MAX);
        expect_flag(&least, CKA_TOKEN, CK_TRUE);
        expect_flag(&least, CKA_PRIVATE, CK_TRUE);
        expect_flag(&least, CKA_SENSITIVE, CK_TRUE);
        expect_flag(&least, CKA_EXTRACTABLE, CK_FALSE);
        expect_flag(&least, CKA_SIGN, CK_TRUE);
        assert_int_equal(least.optional, 0);
        assert_int_equal(least.count, all.count - all.optional);
        expect_flag(&all, CKA_MODIFIABLE, CK_FALSE);
        expect_flag(&all, CKA_COPYABLE, CK_FALSE);
    }
}

static void uses(void **state)
{
    (void)state;
    static const struct {
        CK_OBJECT_CLASS object_class;
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL value;
    } rows[] = {
        {CKO_SECRET_KEY, CKA_VERIFY, CK_TRUE},
        {CKO_SECRET_KEY, CKA_ENCRYPT, CK_FALSE},
        {CKO_SECRET_KEY, CKA_DECRYPT, CK_FALSE},
        {CKO_SECRET_KEY, CKA_WRAP, CK_FALSE},
        {CKO_SECRET_KEY, CKA_UNWRAP, CK_FALSE},
        {CKO_SECRET_KEY, CKA_DERIVE, CK_FALSE},
        {CKO_PRIVATE_KEY, CKA_DECRYPT, CK_FALSE},
        {CKO_PRIVATE_KEY, CKA_UNWRAP, CK_FALSE},
        {CKO_PRIVATE_KEY, CKA_DERIVE, CK_FALSE},
        {CKO_PRIVATE_KEY, CKA_SIGN_RECOVER, CK_FALSE},
        {CKO_PUBLIC_KEY, CKA_VERIFY, CK_TRUE},
        {CKO_PUBLIC_KEY, CKA_ENCRYPT, CK_FALSE},
        {CKO_PUBLIC_KEY, CKA_WRAP, CK_FALSE},
        {CKO_PUBLIC_KEY, CKA_DERIVE, CK_FALSE},
        {CKO_PUBLIC_KEY, CKA_VERIFY_RECOVER, CK_FALSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template template = make(rows[i].object_class);
        expect_flag(&template, rows[i].type, rows[i].value);
    }
}

static void a_key_that_unwraps(void **state)
{
    (void)state;
    static const CK_OBJECT_CLASS classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY};
    for (size_t i = 0; i < 2; i++) {
        struct template all;
        template_begin(&all, classes[i]);
        template_finish(&all, TEMPLATE_UNWRAP);
        expect_flag(&all, CKA_SIGN, CK_FALSE);
        expect_flag(&all, CKA_DECRYPT, CK_FALSE);
        struct template least = template_without(&all, UINT32_MAX);
        expect_flag(&least, CKA_UNWRAP, CK_TRUE);
        expect_flag(&least, CKA_SENSITIVE, CK_TRUE);
        expect_flag(&least, CKA_EXTRACTABLE, CK_FALSE);
        expect_flag(&least, CKA_TOKEN, CK_TRUE);
        template_for_session(&least);
        expect_flag(&least, CKA_TOKEN, CK_FALSE);
    }
}

static void one_attribute_left_out(void **state)
{
    (void)state;
    struct template all = make(CKO_SECRET_KEY);
    CK_ULONG first = all.count - all.optional;
    for (unsigned i = 0; i < all.optional; i++) {
        struct template rest = template_without(&all, UINT32_C(1) << i);
        assert_int_equal(rest.count, all.count - 1);
        assert_int_equal(rest.optional, all.optional - 1);
        assert_null(find(&rest, all.attributes[first + i].type));
    }
}

/* First everything, then without each one alone, then without more and more of them. */
static void attempts(void **state)
{
    (void)state;
    static const uint32_t wanted[] = {0, 1, 2, 4, 8, 3, 7, 15};
    assert_int_equal(template_attempts(4), 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(template_left_out(4, i), wanted[i]);
    assert_int_equal(template_attempts(1), 2);
    assert_int_equal(template_left_out(1, 1), 1);
    assert_int_equal(template_attempts(0), 1);
    assert_int_equal(template_left_out(0, 0), 0);
}

/* The optional attributes of a pair share one mask. */
static void masks_suffice(void **state)
{
    (void)state;
    assert_in_range(make(CKO_PUBLIC_KEY).optional + make(CKO_PRIVATE_KEY).optional, 2, 31);
}

/* What tpm2-pkcs11 refuses in the public half of a pair. */
static void without_verify_and_encrypt(void **state)
{
    (void)state;
    struct template all = make(CKO_PUBLIC_KEY);
    unsigned optional = all.optional + make(CKO_PRIVATE_KEY).optional;
    uint32_t left_out = template_left_out(optional, template_attempt_without_two(optional));
    struct template rest = template_without(&all, left_out);
    assert_int_equal(left_out >> all.optional, 0); /* nothing of the private half */
    assert_int_equal(rest.optional, all.optional - 2);
    assert_null(find(&rest, CKA_VERIFY));
    assert_null(find(&rest, CKA_ENCRYPT));
}

static void refusals(void **state)
{
    (void)state;
    assert_true(template_refused(CKR_ATTRIBUTE_TYPE_INVALID));
    assert_true(template_refused(CKR_TEMPLATE_INCONSISTENT));
    assert_false(template_refused(CKR_OK));
    assert_false(template_refused(CKR_DEVICE_ERROR));
    assert_false(template_refused(CKR_TEMPLATE_INCOMPLETE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_and_names_come_first),
        cmocka_unit_test(protections),
        cmocka_unit_test(uses),
        cmocka_unit_test(a_key_that_unwraps),
        cmocka_unit_test(one_attribute_left_out),
        cmocka_unit_test(attempts),
        cmocka_unit_test(masks_suffice),
        cmocka_unit_test(without_verify_and_encrypt),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
