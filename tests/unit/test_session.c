/* Tests of pkcs11/session.c: sessions are taken, returned, discarded and waited for. */
#include "config.h"
#include "pkcs11/session.h"
#include "pkcs11/watch.h"
#include "tests/unit/fake_token.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define PLACES 2
#define SLOT   7

static struct session_pool pool;
static CK_RV (*open_at_fake)(CK_SLOT_ID, CK_FLAGS, void *, CK_NOTIFY, CK_SESSION_HANDLE *);

static int setup(void **state)
{
    (void)state;
    struct p11_error error;
    fake_reset();
    open_at_fake = open_at_fake ? open_at_fake : fake_functions.C_OpenSession;
    fake_functions.C_OpenSession = open_at_fake;
    return session_pool_init(&pool, PLACES, &error);
}

static int teardown(void **state)
{
    (void)state;
    session_pool_free(&pool);
    return 0;
}

static int try_take(uint64_t generation, unsigned hint, struct session **ret_session,
                    struct p11_error *error)
{
    return session_take(&pool, &fake_functions, SLOT, generation, hint, ret_session, error);
}

static struct session *take(uint64_t generation, unsigned hint)
{
    struct session *session = NULL;
    struct p11_error error;
    assert_int_equal(try_take(generation, hint, &session, &error), 0);
    assert_int_equal(session->generation, generation);
    return session;
}

static void returned_one_is_used_again(void **state)
{
    (void)state;
    struct session *first = take(1, 0);
    session_return(&pool, first);
    assert_ptr_equal(take(1, 0), first);
    session_return(&pool, first);
    assert_ptr_equal(take(1, 1), first); /* an open one before a new one, whatever the hint */
    assert_int_equal(fake.opened_sessions, 1);
}

static void two_are_never_the_same(void **state)
{
    (void)state;
    struct session *first = take(1, 0), *second = take(1, 0);
    assert_ptr_not_equal(first, second);
    assert_int_not_equal(first->handle, second->handle);
    assert_int_equal(fake.open_sessions, 2);
}

static void those_that_are_open_are_counted(void **state)
{
    (void)state;
    unsigned open, taken;
    struct session *first = take(1, 0), *second = take(1, 0);
    session_return(&pool, first);
    session_pool_count(&pool, &open, &taken);
    assert_int_equal(open, 2);
    assert_int_equal(taken, 1);
    session_discard(&pool, &fake_functions, second);
    session_pool_count(&pool, &open, &taken);
    assert_int_equal(open, 1);
    assert_int_equal(taken, 0);
}

static void discarded_one_is_closed(void **state)
{
    (void)state;
    struct session *session = take(1, 0);
    CK_SESSION_HANDLE handle = session->handle;
    session_discard(&pool, &fake_functions, session);
    assert_int_equal(fake.open_sessions, 0);
    assert_int_not_equal(take(1, 0)->handle, handle);
}

/* It is the one that keeps the login: closed, it would be everybody's loss. */
static void shared_one_is_not_closed(void **state)
{
    (void)state;
    struct session *session = take(1, 0);
    session_pool_share(&pool, session->handle, 1);
    session_return(&pool, session);
    session_discard(&pool, &fake_functions, take(1, 1));
    assert_int_equal(fake.open_sessions, 1);
    assert_ptr_equal(take(1, 2), session);
    assert_int_equal(fake.opened_sessions, 1);
}

/* Its handle may be another's by now: it is not even closed. */
static void session_of_another_generation(void **state)
{
    (void)state;
    struct session *session = take(1, 0);
    CK_SESSION_HANDLE handle = session->handle;
    session_return(&pool, session);
    assert_int_not_equal(take(2, 0)->handle, handle);
    assert_int_equal(fake.opened_sessions, 2);
    assert_int_equal(fake.open_sessions, 2);
}

static void all_in_use(void **state)
{
    (void)state;
    struct session *first = take(1, 0), *session = NULL;
    struct p11_error error;
    take(1, 1);
    assert_int_equal(try_take(1, 0, &session, &error), P11_BUSY);
    assert_null(session);
    session_return(&pool, first);
    assert_ptr_equal(take(1, 0), first);
}

/* None will be returned soon: nobody queues up. */
static void all_are_slow(void **state)
{
    (void)state;
    struct session *session = NULL;
    struct p11_error error;
    int64_t start = watch_now();
    for (unsigned i = 0; i < PLACES; i++)
        atomic_store(&take(1, i)->since, start - 2 * SESSION_WAIT_MS);
    assert_int_equal(try_take(1, 0, &session, &error), P11_BUSY);
    assert_true(watch_now() < start + SESSION_WAIT_MS);
}

static void token_allows_fewer_than_there_are_places_for(void **state)
{
    (void)state;
    struct session *session = NULL;
    struct p11_error error;
    atomic_store(&pool.usable, 1);
    take(1, 1);
    assert_int_equal(try_take(1, 1, &session, &error), P11_BUSY);
    assert_int_equal(fake.opened_sessions, 1);
}

static void *take_in_thread(void *result)
{
    struct p11_error error;
    *(int *)result = -100;
    struct session *session = NULL;
    *(int *)result = try_take(1, 0, &session, &error);
    return NULL;
}

static void waiting_one_gets_what_is_returned(void **state)
{
    (void)state;
    struct session *first = take(1, 0);
    take(1, 1);
    pthread_t thread;
    int result;
    assert_int_equal(pthread_create(&thread, NULL, take_in_thread, &result), 0);
    while (atomic_load(&pool.waiting) == 0)
        sched_yield();
    session_return(&pool, first);
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(atomic_load(&pool.waiting), 0);
}

static void waiting_one_gets_the_place_of_a_discarded_one(void **state)
{
    (void)state;
    struct session *first = take(1, 0);
    take(1, 1);
    pthread_t thread;
    int result;
    assert_int_equal(pthread_create(&thread, NULL, take_in_thread, &result), 0);
    while (atomic_load(&pool.waiting) == 0)
        sched_yield();
    session_discard(&pool, &fake_functions, first);
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(fake.opened_sessions, 3);
}

static void token_that_opens_none(void **state)
{
    (void)state;
    struct session *session = NULL;
    struct p11_error error;
    fake.open_session = CKR_DEVICE_REMOVED;
    assert_int_equal(try_take(1, 0, &session, &error), P11_UNAVAILABLE);
    assert_string_equal(error.call, "C_OpenSession");
    fake.open_session = CKR_SESSION_COUNT;
    assert_int_equal(try_take(1, 0, &session, &error), P11_BUSY);
    fake.open_session = CKR_OK;
    take(1, 0);
    take(1, 0); /* no place was lost */
}

static struct watch watch;
static unsigned watched;

static CK_RV close_watched(CK_SESSION_HANDLE session)
{
    (void)session;
    watched += atomic_exchange(&watch.since, 1) != 1;
    return CKR_OK;
}

/* Many that are closed slowly are no call that hangs. */
static void each_that_is_closed_is_a_call(void **state)
{
    (void)state;
    CK_RV (*close_at_fake)(CK_SESSION_HANDLE) = fake_functions.C_CloseSession;
    take(1, 0);
    take(1, 1);
    fake_functions.C_CloseSession = close_watched;
    watch_begin(&watch);
    atomic_store(&watch.since, 1);
    session_pool_close(&pool, &fake_functions);
    watch_end();
    fake_functions.C_CloseSession = close_at_fake;
    assert_int_equal(watched, PLACES);
}

static unsigned tries;

static CK_RV count_tries(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                         CK_SESSION_HANDLE *session)
{
    tries++;
    return open_at_fake(slot, flags, application, notify, session);
}

/* Fewer than it says, and it may take its time to say no. */
static void token_that_refuses_another_is_not_asked_all_the_time(void **state)
{
    (void)state;
    struct session *first = take(1, 0);
    pthread_t thread;
    int result;
    fake_functions.C_OpenSession = count_tries;
    fake.open_session = CKR_SESSION_COUNT;
    for (int i = 0; i < 3; i++) {
        pool.refused_at = i ? watch_now() : 0; /* however slow this machine is */
        assert_int_equal(pthread_create(&thread, NULL, take_in_thread, &result), 0);
        while (atomic_load(&pool.waiting) == 0)
            sched_yield();
        session_return(&pool, first);
        pthread_join(thread, NULL);
        assert_int_equal(result, 0);
        assert_int_equal(tries, 1);
    }
    fake.open_session = CKR_OK;
    pool.refused_at -= SESSION_WAIT_MS; /* but again before long */
    assert_ptr_not_equal(take(1, 0), first);
}

static atomic_bool opening, returned;
static bool seen;

static CK_RV open_when_another_is_returned(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
                                           CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    atomic_store(&opening, true);
    for (int i = 0; i < 2000 && !(seen = atomic_load(&returned)); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return open_at_fake(slot, flags, application, notify, session);
}

static void opening_one_holds_up_nobody(void **state)
{
    (void)state;
    struct session *first = take(1, 0), *second = take(1, 1);
    pthread_t threads[2];
    int results[2];
    fake_functions.C_OpenSession = open_when_another_is_returned;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_in_thread, &results[i]), 0);
    while (atomic_load(&pool.waiting) < 2)
        sched_yield();
    session_discard(&pool, &fake_functions, first);
    while (!atomic_load(&opening))
        sched_yield();
    session_return(&pool, second);
    atomic_store(&returned, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], 0);
    }
    assert_true(seen);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(returned_one_is_used_again),
        TEST(two_are_never_the_same),
        TEST(those_that_are_open_are_counted),
        TEST(discarded_one_is_closed),
        TEST(shared_one_is_not_closed),
        TEST(session_of_another_generation),
        TEST(all_in_use),
        TEST(all_are_slow),
        TEST(token_allows_fewer_than_there_are_places_for),
        TEST(waiting_one_gets_what_is_returned),
        TEST(waiting_one_gets_the_place_of_a_discarded_one),
        TEST(token_that_opens_none),
        TEST(token_that_refuses_another_is_not_asked_all_the_time),
        TEST(opening_one_holds_up_nobody),
        TEST(each_that_is_closed_is_a_call),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
