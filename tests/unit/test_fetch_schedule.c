/* Tests of agent/fetch/schedule.c: when an issuer is fetched next. */
#include "config.h"
#include "agent/fetch/schedule.h"
#include "agent/fetch/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY 86400

static void a_refresh_is_the_lesser_of_both(void **state)
{
    (void)state;
    assert_int_equal(schedule_refresh(HTTP_MAX_AGE_UNSAID, DAY), DAY / 4);
    assert_int_equal(schedule_refresh(3600, DAY), 3600);
    assert_int_equal(schedule_refresh(DAY, DAY), DAY / 4);
}

static void a_refresh_is_never_under_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(schedule_refresh(0, DAY), 300);
    assert_int_equal(schedule_refresh(299, DAY), 300);
    assert_int_equal(schedule_refresh(301, DAY), 301);
    assert_int_equal(schedule_refresh(HTTP_MAX_AGE_UNSAID, 60), 300);
}

static void retries_double(void **state)
{
    (void)state;
    assert_int_equal(schedule_retry(1, DAY, 0), 10);
    assert_int_equal(schedule_retry(2, DAY, 0), 20);
    assert_int_equal(schedule_retry(5, DAY, 0), 160);
}

static void retries_end_at_the_refresh(void **state)
{
    (void)state;
    assert_int_equal(schedule_retry(12, DAY, 0), 20480);
    assert_int_equal(schedule_retry(13, DAY, 0), DAY / 4);
    assert_int_equal(schedule_retry(UINT32_MAX, DAY, 0), DAY / 4);
    assert_int_equal(schedule_retry(100, 60, 0), 300);
}

static void jitter_takes_up_to_a_half(void **state)
{
    (void)state;
    long least = DAY, most = 0;
    for (uint32_t random = 0; random < 1000; random++) {
        long seconds = schedule_retry(4, DAY, random);
        least = seconds < least ? seconds : least;
        most = seconds > most ? seconds : most;
    }
    assert_int_equal(least, 40);
    assert_int_equal(most, 80);
    assert_in_range(schedule_retry(UINT32_MAX, 31536000, UINT32_MAX), 31536000 / 8, 31536000 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_is_the_lesser_of_both),
        cmocka_unit_test(a_refresh_is_never_under_five_minutes),
        cmocka_unit_test(retries_double),
        cmocka_unit_test(retries_end_at_the_refresh),
        cmocka_unit_test(jitter_takes_up_to_a_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
