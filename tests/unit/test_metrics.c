/* Tests of the counters: nothing is lost between threads, and each duration has its bucket. */
#include "config.h"
#include "agent/metrics.h"
#include "agent/refusal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define THREADS 8
#define TIMES   20000

static void each_outcome_in_its_place(void **state)
{
    struct metrics_counts *counts = metrics_counts_new();
    (void)state;
    assert_non_null(counts);
    metrics_count(counts, 0);
    metrics_count(counts, 0);
    metrics_count(counts, REFUSAL_RATE_LIMITED);
    for (size_t i = 0; i < METRICS_OUTCOMES; i++)
        assert_int_equal(metrics_counted(counts, i), i == 0 ? 2 : i == -REFUSAL_RATE_LIMITED);
    metrics_counts_unref(counts);
}

/* Codes that are none of these methods' are mistakes of ours. */
static void what_has_no_place(void **state)
{
    static const int codes[] = {1, -METRICS_OUTCOMES, REFUSAL_NOT_DONE, INT32_MIN};
    struct metrics_counts *counts = metrics_counts_new();
    (void)state;
    assert_non_null(counts);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        metrics_count(counts, codes[i]);
    assert_int_equal(metrics_counted(counts, -REFUSAL_INTERNAL), 4);
    metrics_counts_unref(counts);
}

/* As two configurations share them. */
static void counts_outlive_a_configuration(void **state)
{
    struct metrics_counts *counts = metrics_counts_new();
    (void)state;
    assert_non_null(counts);
    assert_ptr_equal(metrics_counts_ref(counts), counts);
    metrics_counts_unref(counts);
    metrics_count(counts, 0);
    assert_int_equal(metrics_counted(counts, 0), 1);
    metrics_counts_unref(counts);
    metrics_counts_unref(NULL);
}

static uint64_t in_bucket(const struct metrics *metrics, size_t bucket)
{
    struct metrics_times times;
    metrics_times(metrics, &times);
    return times.buckets[bucket];
}

static void bounds_belong_to_their_bucket(void **state)
{
    (void)state;
    for (size_t i = 0; i < METRICS_BUCKETS - 1; i++) {
        struct metrics metrics = {0};
        int64_t bound = metrics_bound(i) * 1000;
        assert_true(i == 0 || metrics_bound(i) > metrics_bound(i - 1));
        metrics_time(&metrics, 0, bound, 1);
        assert_int_equal(in_bucket(&metrics, i), 1);
        metrics_time(&metrics, 0, bound + 1, 1);
        assert_int_equal(in_bucket(&metrics, i + 1), 1);
    }
    struct metrics metrics = {0};
    metrics_time(&metrics, 0, 0, 1);
    metrics_time(&metrics, 0, INT64_C(3600) * 1000000000, 2);
    assert_int_equal(in_bucket(&metrics, 0), 1);
    assert_int_equal(in_bucket(&metrics, METRICS_BUCKETS - 1), 2);
}

static void lanes_are_summed(void **state)
{
    struct metrics metrics = {0};
    struct metrics_times times;
    (void)state;
    for (unsigned worker = 0; worker < METRICS_LANES + 3; worker++)
        metrics_time(&metrics, worker, 200000, 2);
    metrics_times(&metrics, &times);
    assert_int_equal(times.buckets[1], 2 * (METRICS_LANES + 3));
    assert_int_equal(times.sum, times.buckets[1] * 200000);
}

static struct metrics shared;
static struct metrics_counts *shared_counts;

static void *work(void *number)
{
    for (int i = 0; i < TIMES; i++) {
        metrics_count(shared_counts, 0);
        metrics_time(&shared, (unsigned)(uintptr_t)number, 1000, 1);
    }
    return NULL;
}

/* Half of the threads share a lane. */
static void threads_lose_nothing(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    shared_counts = metrics_counts_new();
    assert_non_null(shared_counts);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i / 2)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_counted(shared_counts, 0), THREADS * TIMES);
    assert_int_equal(in_bucket(&shared, 0), THREADS * TIMES);
    metrics_counts_unref(shared_counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_in_its_place),
        cmocka_unit_test(what_has_no_place),
        cmocka_unit_test(counts_outlive_a_configuration),
        cmocka_unit_test(bounds_belong_to_their_bucket),
        cmocka_unit_test(lanes_are_summed),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
