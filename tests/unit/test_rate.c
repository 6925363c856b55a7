/* Tests of the token buckets: what is taken out, what comes in, and whose they are. */
#include "config.h"
#include "agent/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

static struct rates *rates;
static const struct caller bob = {.by_uid = true, .uid = 1000, .listener = "default"};

static int64_t take(unsigned per_second, unsigned burst, int64_t now)
{
    return rate_take(rates, "acme", &(struct rate_limit){per_second, burst}, &bob, now);
}

static void without_a_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(take(0, 0, 5), 0);
}

static void a_burst_then_the_rate(void **state)
{
    int64_t now = 77 * SECOND + 1;
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(10, 5, now), 0);
    assert_int_equal(take(10, 5, now), 100);
    assert_int_equal(take(10, 5, now + 40 * MS), 60);
    assert_int_equal(take(10, 5, now + 100 * MS - 1), 1); /* rounded up: then it is there */
    assert_int_equal(take(10, 5, now + 100 * MS), 0);
    assert_int_equal(take(10, 5, now + 100 * MS), 100);
    now += 350 * MS; /* two more, and a half */
    assert_int_equal(take(10, 5, now), 0);
    assert_int_equal(take(10, 5, now), 0);
    assert_int_equal(take(10, 5, now), 50);
}

static void a_bucket_holds_no_more_than_its_burst(void **state)
{
    (void)state;
    assert_int_equal(take(10, 3, SECOND), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(10, 3, 3600 * SECOND), 0);
    assert_int_equal(take(10, 3, 3600 * SECOND), 100);
}

/* A third of a second has no end in nanoseconds: never more than the rate. */
static void odd_rates(void **state)
{
    static const unsigned rates_of[] = {1, 3, 7, 999, 30011, RATE_PER_SECOND_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof rates_of / sizeof rates_of[0]; i++) {
        unsigned given = 0;
        int64_t now = (int64_t)i * 100 * SECOND, end = now + 2 * SECOND;
        for (int64_t step = SECOND / 200000; now < end; now += step)
            given += take(rates_of[i], 2, now) == 0;
        assert_in_range(given, rates_of[i] * 199 / 100, rates_of[i] * 2 + 2);
    }
}

static void the_largest(void **state)
{
    (void)state;
    for (int i = 0; i < RATE_BURST_MAX; i++)
        if (take(1, RATE_BURST_MAX, SECOND) != 0)
            fail_msg("after %d", i);
    assert_int_equal(take(1, RATE_BURST_MAX, SECOND), 1000);
}

static void to_each_his_own(void **state)
{
    static const struct caller others[] = {{.by_uid = true, .uid = 1001, .listener = "default"},
                                           {.listener = "default"},
                                           {.listener = "shop"}};
    struct rate_limit limit = {1, 1};
    (void)state;
    assert_int_equal(take(1, 1, SECOND), 0);
    assert_int_equal(rate_take(rates, "acme2", &limit, &bob, SECOND), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(rate_take(rates, "acme", &limit, &others[i], SECOND), 0);
        assert_int_equal(rate_take(rates, "acme", &limit, &others[i], SECOND), 1000);
    }
    /* It is the same uid through another listener. */
    struct caller bob_in_the_shop = bob;
    bob_in_the_shop.listener = "shop";
    assert_int_equal(rate_take(rates, "acme", &limit, &bob_in_the_shop, SECOND), 1000);
}

static void a_limit_that_was_changed(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(1, 100, SECOND), 0);
    assert_int_equal(take(100, 10, SECOND), 10); /* no worse than an empty one */
    assert_int_equal(take(1, 100, SECOND), 0);
}

/* As many as there may be; then those that are full make room. */
static void very_many(void **state)
{
    struct rate_limit limit = {1, 2};
    struct caller caller = bob;
    (void)state;
    for (uid_t i = 0; i < RATE_BUCKETS_MAX; i++) {
        caller.uid = i;
        if (rate_take(rates, "acme", &limit, &caller, SECOND) != 0)
            fail_msg("%u", i);
    }
    caller.uid = RATE_BUCKETS_MAX;
    assert_int_equal(rate_take(rates, "acme", &limit, &caller, SECOND), RATE_CROWDED_MS);
    caller.uid = 5;
    assert_int_equal(rate_take(rates, "acme", &limit, &caller, SECOND), 0);
    assert_int_equal(rate_take(rates, "acme", &limit, &caller, SECOND), 1000);
    for (uid_t i = 0; i < RATE_BUCKETS_MAX; i++) {
        caller.uid = RATE_BUCKETS_MAX + i;
        if (rate_take(rates, "acme", &limit, &caller, 4 * SECOND) != 0)
            fail_msg("%u", i);
    }
}

static int setup(void **state)
{
    (void)state;
    rates = rate_new();
    return rates ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rate_free(rates);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_a_limit),
        test(a_burst_then_the_rate),
        test(a_bucket_holds_no_more_than_its_burst),
        test(odd_rates),
        test(the_largest),
        test(to_each_his_own),
        test(a_limit_that_was_changed),
        test(very_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
