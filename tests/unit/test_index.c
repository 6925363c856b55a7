/* Tests of pkcs11/index.c: one pass over a token, and finding keys by their names. */
#include "config.h"
#include "pkcs11/index.h"
#include "tests/unit/fake_token.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define MANY 1500 /* more than are asked for at once */

static struct index keys;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake.objects = calloc(MANY, sizeof *fake.objects);
    return fake.objects ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    index_clear(&keys);
    free(fake.objects);
    return 0;
}

static struct fake_object *add(const char *label, const char *id)
{
    struct fake_object *object = &fake.objects[fake.object_count++];
    fake_hmac_key(object, label, id);
    return object;
}

static int build(struct p11_error *error)
{
    return index_build(&fake_functions, FAKE_SESSION_FIRST, &keys, error);
}

static int read_again(struct p11_error *error)
{
    return index_read_again(&fake_functions, FAKE_SESSION_FIRST, &keys, 1000, error);
}

static void build_all(void)
{
    struct p11_error error;
    assert_int_equal(build(&error), 0);
    assert_int_equal(fake.searches, 0);
}

static size_t find(const char *label, const char *id, const struct object **ret_first)
{
    const struct index_query query = {CKO_SECRET_KEY, label, label ? strlen(label) : 0, id,
                                      id ? strlen(id) : 0};
    return index_find(&keys, &query, 0, ret_first);
}

static void empty_token(void **state)
{
    (void)state;
    build_all();
    const struct object *found;
    assert_int_equal(keys.count, 0);
    assert_int_equal(find("acme", NULL, &found), 0);
    assert_int_equal(find(NULL, "01", &found), 0);
}

static void by_label_id_and_both(void **state)
{
    (void)state;
    add("acme", "01");
    add("beta", "02");
    add("acm", "03");
    add("acme2", "04");
    build_all();
    const struct object *found = NULL;
    assert_int_equal(find("acme", NULL, &found), 1);
    assert_int_equal(found->handle, 1);
    assert_int_equal(find(NULL, "03", &found), 1);
    assert_int_equal(found->handle, 3);
    assert_int_equal(find("beta", "02", &found), 1);
    assert_int_equal(found->handle, 2);
    assert_int_equal(find("beta", "01", &found), 0);
    assert_int_equal(find("ac", NULL, &found), 0);
    assert_int_equal(find("acme22", NULL, &found), 0);
    assert_int_equal(find("", NULL, &found), 0);
    assert_int_equal(find(NULL, "", &found), 0);
}

static void several_with_one_name(void **state)
{
    (void)state;
    add("twin", "01");
    add("twin", "02");
    add("twin", "02");
    add("other", "02");
    build_all();
    const struct object *found;
    assert_int_equal(find("twin", NULL, &found), 3);
    assert_int_equal(find("twin", "02", &found), 2);
    assert_int_equal(find("twin", "01", &found), 1);
    assert_int_equal(found->handle, 1);
    assert_int_equal(find(NULL, "02", &found), 3);
}

static void classes_are_apart(void **state)
{
    (void)state;
    fake_set_ulong(add("pair", "01"), CKA_CLASS, CKO_PRIVATE_KEY);
    fake_set_ulong(add("pair", "01"), CKA_CLASS, CKO_PUBLIC_KEY);
    fake_set_ulong(add("pair", "01"), CKA_CLASS, CKO_CERTIFICATE);
    build_all();
    assert_int_equal(keys.count, 2);
    const struct object *found;
    assert_int_equal(find("pair", NULL, &found), 0);
    const struct index_query public_half = {CKO_PUBLIC_KEY, "pair", 4, NULL, 0};
    assert_int_equal(index_find(&keys, &public_half, 0, &found), 1);
    assert_int_equal(found->handle, 2);
}

static void names_may_hold_any_byte(void **state)
{
    (void)state;
    struct fake_object *object = add("x", "y");
    fake_set(object, CKA_LABEL, "a\0b", 3);
    fake_set(object, CKA_ID, "\0", 1);
    build_all();
    const struct object *found;
    const struct index_query query = {CKO_SECRET_KEY, "a\0b", 3, "\0", 1};
    assert_int_equal(index_find(&keys, &query, 0, &found), 1);
    assert_int_equal(find("a", NULL, &found), 0);
}

static void many(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char label[16], id[16];
        snprintf(label, sizeof label, "key-%d", i);
        snprintf(id, sizeof id, "%04d", MANY - i);
        add(label, id);
    }
    build_all();
    assert_int_equal(keys.count, MANY);
    for (int i = 0; i < MANY; i++) {
        const struct object *found = NULL;
        char label[16];
        snprintf(label, sizeof label, "key-%d", i);
        assert_int_equal(find(label, NULL, &found), 1);
        assert_int_equal(found->handle, i + 1);
    }
    const struct object *found = NULL;
    assert_int_equal(find(NULL, "0001", &found), 1);
    assert_int_equal(found->handle, MANY);
}

static void object_that_vanished(void **state)
{
    (void)state;
    add("one", "01");
    add("two", "02");
    add("three", "03");
    fake.vanished = 2;
    build_all();
    assert_int_equal(keys.count, 2);
}

static CK_C_GetAttributeValue get_attributes;
static unsigned errors; /* for the second object, before it can be read */

static CK_RV get_with_errors(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                             CK_ATTRIBUTE *template, CK_ULONG count)
{
    if (handle == 2 && errors > 0) {
        errors--;
        return CKR_GENERAL_ERROR;
    }
    return get_attributes(session, handle, template, count);
}

static void object_that_cannot_be_read(void **state)
{
    (void)state;
    add("one", "01");
    add("two", "02");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_with_errors;
    errors = 2;
    build_all();
    assert_int_equal(keys.count, 2);
    index_clear(&keys);
    errors = 100;
    build_all();
    assert_int_equal(keys.count, 1);
    fake_functions.C_GetAttributeValue = get_attributes;
}

/* Read again, one at a time: it is broken still, then it is there. */
static void object_that_can_be_read_later(void **state)
{
    (void)state;
    struct p11_error error;
    const struct object *found;
    add("two", "01");
    add("one", "02");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_with_errors;
    errors = 100;
    build_all();
    assert_int_equal(keys.unread_count, 1);
    assert_string_equal(keys.unread_error.call, "C_GetAttributeValue");
    assert_int_equal(read_again(&error), 0);
    assert_int_equal(keys.unread_count, 1);
    errors = 0;
    assert_int_equal(read_again(&error), 0);
    fake_functions.C_GetAttributeValue = get_attributes;
    assert_int_equal(keys.unread_count, 0);
    assert_int_equal(find("one", NULL, &found), 1);
    assert_int_equal(found->handle, 2);
    assert_int_equal(find(NULL, "01", &found), 1);
    assert_int_equal(found->handle, 1);
}

static void object_that_vanishes_before_it_is_read(void **state)
{
    (void)state;
    struct p11_error error;
    add("one", "01");
    add("two", "02");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_with_errors;
    errors = 3;
    build_all();
    fake_functions.C_GetAttributeValue = get_attributes;
    assert_int_equal(keys.unread_count, 1);
    fake.get_attributes = CKR_DEVICE_ERROR;
    assert_int_equal(read_again(&error), P11_UNAVAILABLE);
    assert_int_equal(keys.unread_count, 1);
    fake.get_attributes = CKR_OK;
    fake.vanished = 2;
    assert_int_equal(read_again(&error), 0);
    assert_int_equal(keys.unread_count, 0);
    assert_int_equal(keys.count, 1);
}

static time_t passed;        /* seconds, beside those of the clock */
static time_t takes;         /* that each error takes */
static unsigned slow_errors; /* so many, before all can be read */
static unsigned asked;
static CK_OBJECT_HANDLE failed; /* the last one */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret_time);
    ret_time->tv_sec += passed;
    return r;
}

static CK_RV get_slowly(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
                        CK_ULONG count)
{
    if (asked++ >= slow_errors)
        return get_attributes(session, handle, template, count);
    passed += takes;
    failed = handle;
    return CKR_GENERAL_ERROR;
}

static void a_token_that_takes_its_time_to_fail(void **state)
{
    (void)state;
    struct p11_error error;
    for (int i = 0; i < MANY; i++)
        add("one", "01");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_slowly;
    takes = 1;
    slow_errors = UINT_MAX;
    asked = 0;
    int r = build(&error);
    unsigned tried = asked;
    slow_errors = 6; /* two objects' */
    asked = 0;
    int later = build(&error);
    fake_functions.C_GetAttributeValue = get_attributes;
    assert_int_equal(r, P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_GetAttributeValue");
    assert_in_range(tried, 10, 20);
    assert_int_equal(later, 0);
    assert_int_equal(keys.count, MANY - 2);
    assert_int_equal(keys.unread_count, 2);
}

/* Those that take their time to fail take turns. */
static void slow_objects_are_read_again_in_turns(void **state)
{
    (void)state;
    struct p11_error error;
    for (int i = 0; i < 3; i++)
        add("one", "01");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_slowly;
    takes = 1;
    asked = 0;
    slow_errors = 6; /* two objects' */
    build_all();
    assert_int_equal(keys.unread_count, 2);
    slow_errors = UINT_MAX;
    CK_OBJECT_HANDLE tried[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_again(&error), 0);
        tried[i] = failed;
    }
    fake_functions.C_GetAttributeValue = get_attributes;
    assert_int_not_equal(tried[0], tried[1]);
    assert_int_equal(keys.unread_count, 2);
}

/* Where it costs nothing, all are tried. */
static void broken_objects_before_the_others(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++)
        add("one", "01");
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get_slowly;
    slow_errors = 3 * (MANY - 1);
    asked = 0;
    takes = 0;
    build_all();
    fake_functions.C_GetAttributeValue = get_attributes;
    assert_int_equal(keys.count, 1);
}

static void failures(void **state)
{
    (void)state;
    struct p11_error error;
    add("acme", "01");
    fake.find = CKR_DEVICE_ERROR;
    assert_int_equal(build(&error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_FindObjects");
    assert_int_equal(fake.searches, 0);
    fake.find = CKR_OK;
    fake.get_attributes = CKR_DEVICE_ERROR;
    assert_int_equal(build(&error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_GetAttributeValue");
    fake.get_attributes = CKR_OK;
    fake.searches = 1;
    assert_int_equal(build(&error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_FindObjectsInit");
    assert_null(keys.objects);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(empty_token),
        TEST(by_label_id_and_both),
        TEST(several_with_one_name),
        TEST(classes_are_apart),
        TEST(names_may_hold_any_byte),
        TEST(many),
        TEST(object_that_vanished),
        TEST(object_that_cannot_be_read),
        TEST(object_that_can_be_read_later),
        TEST(object_that_vanishes_before_it_is_read),
        TEST(failures),
        TEST(a_token_that_takes_its_time_to_fail),
        TEST(slow_objects_are_read_again_in_turns),
        TEST(broken_objects_before_the_others),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
