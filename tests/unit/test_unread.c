/* Tests of pkcs11/unread.c: what could not be read is told once and read again, and then serves. */
#include "config.h"
#include "pkcs11/unread.h"
#include "pkcs11/check.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct crypto crypto;
static struct fake_object objects[2];
static struct token token;
static struct token *tokens[] = {&token};
static char name[] = "a";
static struct module *module;
static struct keyring *keyring;
static struct key *key; /* "two" */
static struct ladder ladder;
static struct check check;
static struct unread unread;

static CK_C_GetAttributeValue get_attributes;
static CK_RV broken;   /* what the second object gives */
static unsigned asked; /* for it */

/* What was told. */
static unsigned told, changes;
static size_t told_count;

static CK_RV get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
                 CK_ULONG count)
{
    asked += handle == 2;
    return handle == 2 && broken ? broken : get_attributes(session, handle, template, count);
}

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
    changes++;
}

static void told_unread(void *context, const struct token *which)
{
    (void)context;
    told++;
    told_count = which->index.unread_count;
}

static int setup(void **state)
{
    static const struct ladder_events events = {.resolved = resolved, .unread = told_unread};
    struct p11_error error;
    (void)state;
    fake_reset();
    fake_hmac_key(&objects[0], "one", "1");
    fake_hmac_key(&objects[1], "two", "2");
    fake.objects = objects;
    fake.object_count = 2;
    get_attributes = fake_functions.C_GetAttributeValue;
    fake_functions.C_GetAttributeValue = get;
    broken = CKR_GENERAL_ERROR;
    module = fake_module();
    token = (struct token){.name = name, .module = module, .state = TOKEN_UP};
    pthread_mutex_init(&token.lock, NULL);
    if (token_index(&token, &error) < 0 || keyring_new(&crypto, tokens, 1, &keyring, &error) < 0 ||
        keyring_add(keyring, "pkcs11:object=two", mech_find("HS256"), &key, &error) < 0 ||
        keyring_resolve(keyring, &token, 1, &error) < 0)
        return -1;
    module_open(module);
    ladder = (struct ladder){.module = module,
                             .tokens = tokens,
                             .token_count = 1,
                             .events = &events,
                             .keyrings = {.list = {keyring}, .count = 1}};
    check = (struct check){.resume = 0};
    unread = (struct unread){.at = 0};
    told = changes = asked = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_functions.C_GetAttributeValue = get_attributes;
    keyring_unref(keyring);
    index_clear(&token.index);
    fake_module_free(module);
    return 0;
}

static void run(void)
{
    assert_int_equal(unread_run(&unread, &ladder), P11_RUNG_NONE);
}

/* As if it were time. */
static void run_when_due(void)
{
    unread.at = 0;
    run();
}

static bool is_usable(void)
{
    return atomic_load(&key->ready) && atomic_load(&key->homes[0].generation) == 1;
}

static void nothing_is_missing(void **state)
{
    struct p11_error error;
    (void)state;
    broken = CKR_OK;
    assert_int_equal(token_index(&token, &error), 0);
    assert_true(unread_due(&unread, &ladder) == INT64_MAX);
    run();
    assert_int_equal(told, 0);
}

static void told_once_and_tried_more_and_more_seldom(void **state)
{
    (void)state;
    assert_true(unread_due(&unread, &ladder) <= watch_now());
    run();
    assert_int_equal(told, 1);
    assert_int_equal(told_count, 1);
    static const long pauses[] = {250, 500, 1000, 1000};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        assert_int_equal(unread.ms, pauses[i]);
        unsigned before = asked;
        int64_t start = watch_now();
        run_when_due();
        assert_true(unread_due(&unread, &ladder) >= start + pauses[i]);
        assert_true(asked > before);
    }
    assert_int_equal(told, 1);
    assert_int_equal(changes, 0);
}

static void it_is_there_and_serves(void **state)
{
    (void)state;
    run();
    assert_false(is_usable());
    assert_non_null(strstr(key->homes[0].reason, "no such key"));
    assert_true(check_due(&check, &ladder) == INT64_MAX);
    broken = CKR_OK;
    run_when_due();
    assert_int_equal(changes, 1);
    run();
    assert_int_equal(told, 2);
    assert_int_equal(told_count, 0);
    assert_true(unread_due(&unread, &ladder) == INT64_MAX);
    assert_true(check_due(&check, &ladder) <= watch_now());
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_NONE);
    assert_true(is_usable());
}

/* That recovery reads it, or does not either, is no other story. */
static void recovery_meanwhile(void **state)
{
    struct p11_error error;
    (void)state;
    run();
    assert_int_equal(token_index(&token, &error), 0);
    run();
    assert_int_equal(told, 1);
    broken = CKR_OK;
    assert_int_equal(token_index(&token, &error), 0);
    assert_true(unread_due(&unread, &ladder) <= watch_now());
    run();
    assert_int_equal(told, 2);
    assert_int_equal(told_count, 0);
}

static void the_token_fails(void **state)
{
    (void)state;
    run();
    broken = CKR_DEVICE_REMOVED;
    unread.at = 0;
    assert_int_equal(unread_run(&unread, &ladder), P11_RUNG_MODULE);
    token.state = TOKEN_DOWN;
    assert_true(unread_due(&unread, &ladder) == INT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_missing),     TEST(told_once_and_tried_more_and_more_seldom),
        TEST(it_is_there_and_serves), TEST(recovery_meanwhile),
        TEST(the_token_fails),
    };
    return cmocka_run_group_tests_name("unread", tests, NULL, NULL);
}
