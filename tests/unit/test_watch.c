/* Tests of pkcs11/watch.c: the clock that stands still while the process is stopped. */
#include "config.h"
#include "pkcs11/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define HANG_MS 5000 /* of prober.h */

static int64_t now = 1000000; /* the kernel's clock, in milliseconds */

/* In the place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    (void)clock;
    *ret_time = watch_timespec(now);
    return 0;
}

static void tick_for(int64_t ms)
{
    for (; ms > 0; ms -= 1000) {
        now += ms < 1000 ? ms : 1000;
        watch_tick();
    }
}

static void without_ticks_it_is_the_kernels(void **state)
{
    (void)state;
    assert_int_equal(watch_awake(), watch_now());
    now += 3600000;
    assert_int_equal(watch_awake(), watch_now());
}

static void it_goes_as_fast(void **state)
{
    (void)state;
    watch_tick();
    int64_t start = watch_awake();
    tick_for(30000);
    assert_int_equal(watch_awake(), start + 30000);
    now += 999; /* between two ticks, too */
    assert_int_equal(watch_awake(), start + 30999);
}

/* However long: a call that is under way then does not seem to hang. */
static void a_stop_does_not_count(void **state)
{
    static const int64_t stops[] = {4000, 5000, 5500, 6000, 60000, 3600000};
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct watch watch;
        watch_tick();
        watch_begin(&watch);
        int64_t since = watch_awake();
        assert_int_equal(watch.since, since);
        now += 900;
        assert_int_equal(watch_awake(), since + 900);
        now += stops[i];
        assert_int_equal(watch_awake(), since + WATCH_TICK_MS); /* before that is noticed ... */
        watch_tick();
        assert_int_equal(watch_awake(), since + WATCH_TICK_MS); /* ... and when it is */
        /* One that hangs does after it as it did before. */
        tick_for(HANG_MS - WATCH_TICK_MS - 1);
        assert_int_equal(watch_awake() - watch.since, HANG_MS - 1);
        watch_end();
        assert_int_equal(watch.since, 0);
    }
}

static void what_begins_after_a_stop_is_young(void **state)
{
    struct watch watch;
    (void)state;
    watch_tick();
    now += 60000;
    watch_begin(&watch); /* earlier than the thread that ticks */
    watch_tick();
    assert_int_equal(watch_awake() - watch.since, 0);
    tick_for(HANG_MS);
    assert_int_equal(watch_awake() - watch.since, HANG_MS);
    watch_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_ticks_it_is_the_kernels),
        cmocka_unit_test(it_goes_as_fast),
        cmocka_unit_test(a_stop_does_not_count),
        cmocka_unit_test(what_begins_after_a_stop_is_young),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
