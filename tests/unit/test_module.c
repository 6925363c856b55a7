/* Tests of pkcs11/module.c: who is inside, which generation, and how a module is initialised. */
#include "config.h"
#include "pkcs11/module.h"
#include "pkcs11/watch.h"
#include "tests/unit/fake_token.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct module *module;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    module = fake_module();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_module_free(module);
    return 0;
}

static void start(void)
{
    struct p11_error error;
    assert_int_equal(module_start(module, &error), 0);
}

static void new_one_is_shut(void **state)
{
    (void)state;
    assert_int_equal(module_enter(module), 0);
    start();
    assert_int_equal(module_enter(module), 0);
    assert_int_equal(atomic_load(&module->inside), 0);
}

static void generation_rises_with_every_opening(void **state)
{
    (void)state;
    start();
    module_open(module);
    uint64_t first = module_enter(module);
    assert_int_not_equal(first, 0);
    assert_int_equal(module_enter(module), first);
    module_leave(module);
    module_leave(module);
    module_shut(module);
    assert_int_equal(module_enter(module), 0);
    module_open(module);
    assert_int_equal(module_enter(module), first + 1);
    module_leave(module);
}

static atomic_bool is_shut;

static void *shut(void *unused)
{
    module_shut(module);
    atomic_store(&is_shut, true);
    return unused;
}

static void shutting_waits_until_all_have_left(void **state)
{
    (void)state;
    start();
    module_open(module);
    module_enter(module);
    module_enter(module);
    atomic_store(&is_shut, false);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, shut, NULL), 0);
    while (!atomic_load(&module->shut))
        sched_yield();
    assert_int_equal(module_enter(module), 0);
    module_leave(module);
    assert_false(atomic_load(&is_shut));
    module_leave(module);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&is_shut));
}

static void *wait_for_room(void *ret_room)
{
    *(bool *)ret_room = module_wait_for_room(module, watch_now() + 60000);
    return NULL;
}

static void a_full_one_has_room_when_somebody_leaves(void **state)
{
    (void)state;
    bool room = false;
    pthread_t thread;
    start();
    module_open(module);
    atomic_store(&module->room, 1);
    assert_true(module_wait_for_room(module, watch_now()));
    assert_int_not_equal(module_enter(module), 0);
    assert_false(module_is_full(module));
    assert_false(module_wait_for_room(module, watch_now() + 20));
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, &room), 0);
    while (atomic_load(&module->waiting) == 0)
        sched_yield();
    module_leave(module);
    pthread_join(thread, NULL);
    assert_true(room);
}

static void initialised_once(void **state)
{
    (void)state;
    start();
    start();
    assert_int_equal(fake.initialized, 1);
    assert_false(module->one_caller);
}

static void restarted(void **state)
{
    (void)state;
    struct p11_error error;
    start();
    assert_int_equal(module_restart(module, &error), 0);
    assert_int_equal(fake.finalized, 1);
    assert_int_equal(fake.initialized, 2);
    fake.initialize = CKR_DEVICE_REMOVED;
    assert_int_equal(module_restart(module, &error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_Initialize");
    assert_int_equal(fake.finalized, 2);
    assert_int_equal(module_restart(module, &error), P11_UNAVAILABLE);
    assert_int_equal(fake.finalized, 2); /* what is not initialised is not finalised */
    fake.initialize = CKR_OK;
    assert_int_equal(module_restart(module, &error), 0);
}

static void one_that_cannot_lock(void **state)
{
    (void)state;
    fake.initialize_with_locking = CKR_CANT_LOCK;
    start();
    assert_int_equal(fake.initialized, 1);
    assert_true(module->one_caller);
}

static void one_that_is_initialised_already(void **state)
{
    (void)state;
    fake.initialize = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    start();
}

static void one_that_is_not_there(void **state)
{
    (void)state;
    struct p11_error error;
    struct module *missing;
    assert_int_equal(module_new(FAKE_MODULE_PATH, NULL, &missing, &error), 0);
    assert_string_equal(module_name(missing), FAKE_MODULE_PATH);
    assert_int_equal(module_start(missing, &error), P11_UNAVAILABLE);
    assert_non_null(strstr(error.text, FAKE_MODULE_PATH));
    module_free(missing);
    assert_int_equal(module_new(NULL, "nobody", &missing, &error), 0);
    assert_string_equal(module_name(missing), "nobody");
    assert_int_equal(module_start(missing, &error), P11_UNAVAILABLE);
    assert_non_null(strstr(error.text, "nobody"));
    module_free(missing);
    module_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(new_one_is_shut),
        TEST(generation_rises_with_every_opening),
        TEST(shutting_waits_until_all_have_left),
        TEST(a_full_one_has_room_when_somebody_leaves),
        TEST(initialised_once),
        TEST(restarted),
        TEST(one_that_cannot_lock),
        TEST(one_that_is_initialised_already),
        TEST(one_that_is_not_there),
    };
    return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
