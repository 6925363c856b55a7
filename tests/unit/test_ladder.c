/* Tests of pkcs11/ladder.c: modules that do not start, calls that hang during recovery. */
#include "config.h"
#include "pkcs11/ladder.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KEYS          3
#define FIRST_ANSWERS 2 /* of a key that has given none before */

static const char *const labels[KEYS] = {"one", "two", "three"};
static struct crypto crypto;
static struct fake_object objects[KEYS];
static struct token *token;
static struct module *module;
static struct keyring *keyring;
static struct key *keys[KEYS];
static struct ladder ladder;

/* When the main thread says that a call hangs; 0: it does not. */
static unsigned hang_at_answer, hang_again_at_answer, hang_at_resolved;
static unsigned answers, resolutions, withdrawals;

static CK_RV answer(void)
{
    answers++;
    if (answers == hang_at_answer || answers == hang_again_at_answer)
        ladder_go_down(&ladder, "a call hangs");
    return CKR_OK;
}

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
    if (++resolutions == hang_at_resolved)
        ladder_go_down(&ladder, "a call hangs");
}

static void withdrawn(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
    withdrawals++;
}

static int make_module(bool loaded)
{
    struct p11_error error;
    module = fake_module();
    if (!loaded)
        module->fn = NULL;
    module->initialized = loaded;
    return token_new("a", "pkcs11:token=fake?module-path=" FAKE_MODULE_PATH, 4, TOKEN_LOGIN_NONE,
                     &token, &error);
}

static int make_keys(void)
{
    struct p11_error error;
    fake_reset();
    fake.answer = answer;
    fake.session_state = CKS_RO_USER_FUNCTIONS;
    fake.objects = objects;
    fake.object_count = KEYS;
    if (keyring_new(&crypto, &token, 1, &keyring, &error) < 0)
        return -1;
    for (size_t i = 0; i < KEYS; i++) {
        char uri[64];
        fake_hmac_key(&objects[i], labels[i], labels[i]);
        snprintf(uri, sizeof uri, "pkcs11:object=%s", labels[i]);
        if (keyring_add(keyring, uri, mech_find("HS256"), &keys[i], &error) < 0)
            return -1;
    }
    return 0;
}

static int set_up(bool loaded)
{
    static const struct ladder_events events = {
        .token_changed = fake_token_changed, .resolved = resolved, .withdrawn = withdrawn};
    if (make_module(loaded) < 0 || make_keys() < 0)
        return -1;
    token->module = module;
    ladder = (struct ladder){.module = module,
                             .tokens = &token,
                             .token_count = 1,
                             .events = &events,
                             .keyrings = {.list = {keyring}, .count = 1}};
    pthread_mutex_init(&ladder.lock, NULL);
    answers = resolutions = withdrawals = 0;
    hang_at_answer = hang_again_at_answer = hang_at_resolved = 0;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return set_up(true);
}

static int setup_not_loaded(void **state)
{
    (void)state;
    return set_up(false);
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

static bool is_up(void)
{
    return token_get_state(token, NULL, 0) == TOKEN_UP;
}

static unsigned usable_keys(void)
{
    uint64_t generation = module_enter(module);
    unsigned count = 0;
    for (size_t i = 0; i < KEYS; i++)
        count += generation && atomic_load(&keys[i]->ready) &&
                 atomic_load(&keys[i]->homes[0].generation) == generation;
    if (generation)
        module_leave(module);
    return count;
}

static void all_are_usable(void **state)
{
    (void)state;
    ladder_climb(&ladder, P11_RUNG_LOGIN, false);
    assert_int_equal(usable_keys(), KEYS);
    ladder_climb(&ladder, P11_RUNG_MODULE, true);
    assert_int_equal(usable_keys(), KEYS);
    assert_int_equal(fake.finalized, 1);
}

/* Whoever asks for a login cannot know that the module has not been loaded. */
static void module_that_does_not_load(void **state)
{
    char detail[P11_ERROR_TEXT_MAX];
    (void)state;
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
    assert_int_equal(token_get_state(token, detail, sizeof detail), TOKEN_DOWN);
    assert_non_null(strstr(detail, "cannot load"));
    assert_true(ladder.retry_at != INT64_MAX);
}

static void module_that_does_not_initialise(void **state)
{
    (void)state;
    module->initialized = false;
    fake.initialize = CKR_GENERAL_ERROR;
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
    assert_false(is_up());
    assert_int_equal(fake.opened_sessions, 0);
    fake.initialize = CKR_OK;
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
    assert_int_equal(usable_keys(), KEYS);
}

/* The keys that have answered before it are withdrawn, those after it are not. */
static void hang_in_an_answer(void **state)
{
    (void)state;
    hang_at_answer = FIRST_ANSWERS + 1;
    ladder_climb(&ladder, P11_RUNG_MODULE, false);
    assert_true(is_up());
    assert_int_equal(usable_keys(), KEYS);
    assert_int_equal(withdrawals, 1);
    assert_int_equal(resolutions, 1); /* told by the thread that climbs alone */
}

/* Nobody enters until prober_look_after has asked for the next climb. */
static void hang_in_both_tries(void **state)
{
    (void)state;
    hang_at_answer = FIRST_ANSWERS + 1;
    hang_again_at_answer = KEYS * FIRST_ANSWERS + 2;
    ladder_climb(&ladder, P11_RUNG_MODULE, false);
    assert_int_equal(usable_keys(), 0);
    assert_true(atomic_load(&module->hangs));
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
    assert_int_equal(usable_keys(), KEYS);
}

/* The call came back while the main thread made up its mind. */
static void hang_that_is_seen_too_late(void **state)
{
    (void)state;
    hang_at_resolved = 1; /* the climb is over */
    ladder_climb(&ladder, P11_RUNG_MODULE, false);
    assert_false(is_up());
    assert_true(atomic_load(&module->hangs)); /* so prober_look_after asks for the next one */
    ladder_climb(&ladder, P11_RUNG_LOGIN, true);
    assert_int_equal(usable_keys(), KEYS);
}

/* A new start takes down what serves: not every second, for one that is not there. */
static void token_beside_one_that_serves(void **state)
{
    struct p11_error error;
    struct token *absent, *both[] = {token, NULL};
    (void)state;
    assert_int_equal(token_new("b", "pkcs11:token=absent?module-path=" FAKE_MODULE_PATH, 4,
                               TOKEN_LOGIN_NONE, &absent, &error),
                     0);
    absent->module = module;
    both[1] = absent;
    struct keyring *empty;
    assert_int_equal(keyring_new(&crypto, both, 2, &empty, &error), 0);
    ladder.keyrings.list[0] = empty;
    ladder.tokens = both;
    ladder.token_count = 2;
    ladder_climb(&ladder, P11_RUNG_MODULE, false);
    assert_true(is_up());
    assert_int_equal(token_get_state(absent, NULL, 0), TOKEN_DOWN);
    unsigned finalized = fake.finalized;
    ladder_retry(&ladder);
    assert_int_equal(fake.finalized, finalized);
    ladder.restart_at = watch_now();
    ladder_retry(&ladder);
    assert_int_equal(fake.finalized, finalized + 1);
    keyring_unref(empty);
    token_free(absent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_are_usable),
        cmocka_unit_test_setup_teardown(module_that_does_not_load, setup_not_loaded, teardown),
        TEST(module_that_does_not_initialise),
        TEST(hang_in_an_answer),
        TEST(hang_in_both_tries),
        TEST(hang_that_is_seen_too_late),
        TEST(token_beside_one_that_serves),
    };
    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
