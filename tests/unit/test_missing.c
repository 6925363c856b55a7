/* Tests of pkcs11/missing.c: keys that a token hides for a while serve again, and how often they
 * are looked for. */
#include "config.h"
#include "pkcs11/missing.h"
#include "pkcs11/check.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define KEYS 2

static struct crypto crypto;
static struct fake_object objects[KEYS];
static struct token *token;
static struct module *module;
static struct keyring *keyring;
static struct key *keys[KEYS];
static struct ladder ladder;
static struct check check;
static struct missing missing;

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
}

static int setup(void **state)
{
    static const struct ladder_events events = {.token_changed = fake_token_changed,
                                                .resolved = resolved};
    struct p11_error error;
    (void)state;
    fake_reset();
    fake_hmac_key(&objects[0], "one", "1");
    fake_hmac_key(&objects[1], "two", "2");
    fake.objects = objects;
    fake.object_count = KEYS;
    fake.mac = 1;
    module = fake_module();
    if (token_new("a", "pkcs11:token=fake?module-path=" FAKE_MODULE_PATH, 4, TOKEN_LOGIN_NONE,
                  &token, &error) < 0)
        return -1;
    token->module = module;
    if (keyring_new(&crypto, &token, 1, &keyring, &error) < 0 ||
        keyring_add(keyring, "pkcs11:object=one", mech_find("HS256"), &keys[0], &error) < 0 ||
        keyring_add(keyring, "pkcs11:object=two", mech_find("HS256"), &keys[1], &error) < 0)
        return -1;
    ladder = (struct ladder){.module = module,
                             .tokens = &token,
                             .token_count = 1,
                             .events = &events,
                             .keyrings = {.list = {keyring}, .count = 1}};
    pthread_mutex_init(&ladder.lock, NULL);
    check = (struct check){.resume = 0};
    missing = (struct missing){.at = 0};
    ladder_climb(&ladder, P11_RUNG_MODULE, false);
    return token_get_state(token, NULL, 0) == TOKEN_UP ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    keyring_unref(keyring);
    pthread_mutex_destroy(&ladder.lock);
    fake_module_free(module);
    token_free(token);
    return 0;
}

/* As the prober does, as if it were time. */
static void run(void)
{
    missing.at = 0;
    assert_int_equal(missing_run(&missing, &ladder), P11_RUNG_NONE);
    check.retry = 0;
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_NONE);
}

static bool is_usable(size_t key)
{
    return atomic_load(&keys[key]->ready) &&
           atomic_load(&keys[key]->homes[0].generation) == atomic_load(&module->generation);
}

static void hide(CK_ULONG shown)
{
    fake.object_count = shown;
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
}

static void all_are_there(void **state)
{
    (void)state;
    assert_true(is_usable(0) && is_usable(1));
    assert_true(missing_due(&missing, &ladder) == INT64_MAX);
}

/* What was never there comes with a reload. */
static void one_that_never_was(void **state)
{
    struct p11_error error;
    struct key *never;
    (void)state;
    assert_int_equal(
        keyring_add(keyring, "pkcs11:object=never", mech_find("HS256"), &never, &error), 0);
    ladder_climb(&ladder, P11_RUNG_LOGIN, false);
    assert_true(missing_due(&missing, &ladder) == INT64_MAX);
}

static void one_is_hidden_and_the_other_one_serves(void **state)
{
    (void)state;
    hide(1);
    assert_true(is_usable(0) && !is_usable(1));
    assert_true(missing_due(&missing, &ladder) <= watch_now());
    uint64_t generation = atomic_load(&module->generation);
    run();
    assert_false(is_usable(1));
    fake.object_count = KEYS;
    run();
    assert_true(is_usable(0) && is_usable(1));
    assert_int_equal(atomic_load(&module->generation), generation);
    assert_true(missing_due(&missing, &ladder) == INT64_MAX);
}

static void all_are_hidden(void **state)
{
    (void)state;
    hide(0);
    assert_false(is_usable(0) || is_usable(1));
    fake.object_count = KEYS;
    run();
    assert_true(is_usable(0) && is_usable(1));
}

/* Nobody can be served: whether the token still knows the login is found out, too. */
static void the_login_is_forgotten(void **state)
{
    (void)state;
    fake.flags |= CKF_LOGIN_REQUIRED;
    hide(0);
    fake.object_count = KEYS;
    fake.session_state = CKS_RO_PUBLIC_SESSION;
    unsigned opened = fake.opened_sessions;
    run();
    assert_int_equal(fake.opened_sessions, opened + 1);
    fake.session_state = CKS_RO_USER_FUNCTIONS;
    hide(0);
    opened = fake.opened_sessions;
    run();
    assert_int_equal(fake.opened_sessions, opened);
}

static void more_and_more_seldom(void **state)
{
    (void)state;
    static const long pauses[] = {250, 500, 1000, 1000};
    hide(1);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        int64_t start = watch_now();
        run();
        assert_int_equal(missing.ms, pauses[i]);
        assert_true(missing_due(&missing, &ladder) >= start + pauses[i]);
    }
}

static CK_RV (*find)(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *list, CK_ULONG max,
                     CK_ULONG *count);

static CK_RV find_slowly(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *list, CK_ULONG max,
                         CK_ULONG *count)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return find(session, list, max, count);
}

static void run_slowly(int times)
{
    find = fake_functions.C_FindObjects;
    fake_functions.C_FindObjects = find_slowly;
    while (times-- > 0)
        run();
    fake_functions.C_FindObjects = find;
}

/* Each look takes 20 ms a call: first a tenth of the token's time, then a hundredth. */
static void a_slow_token(void **state)
{
    (void)state;
    hide(1);
    run_slowly(1);
    assert_true(missing.ms >= 360 && missing.ms < 3960);
    run_slowly(5);
    assert_true(missing.ms >= 3960);
}

static void a_slow_token_that_serves_nobody(void **state)
{
    (void)state;
    hide(0);
    run_slowly(5);
    assert_int_equal(missing.ms, 1000);
}

static void the_token_fails(void **state)
{
    (void)state;
    hide(1);
    fake.find = CKR_DEVICE_REMOVED;
    missing.at = 0;
    assert_int_equal(missing_run(&missing, &ladder), P11_RUNG_MODULE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_are_there),
        TEST(one_that_never_was),
        TEST(one_is_hidden_and_the_other_one_serves),
        TEST(all_are_hidden),
        TEST(the_login_is_forgotten),
        TEST(more_and_more_seldom),
        TEST(a_slow_token),
        TEST(a_slow_token_that_serves_nobody),
        TEST(the_token_fails),
    };
    return cmocka_run_group_tests_name("missing", tests, NULL, NULL);
}
