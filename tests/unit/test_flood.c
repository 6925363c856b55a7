/* Tests of the table of refusals: who gets how many records, and what becomes of the rest. */
#include "config.h"
#include "agent/flood.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct flood *flood;
static int64_t resume;

static struct caller uid(uid_t uid)
{
    return (struct caller){.by_uid = true, .uid = uid, .listener = "default"};
}

static struct caller listener(const char *name)
{
    return (struct caller){.listener = name};
}

/* Refuses so many requests at once; returns how many get a record. */
static unsigned refuse(struct caller caller, unsigned count, int64_t now)
{
    unsigned records = 0;
    resume = 0;
    while (count-- > 0)
        records += flood_note(flood, &caller, now, &resume);
    return records;
}

static void assert_count(int64_t now, struct caller caller, uint64_t count)
{
    struct flood_count got;
    assert_true(flood_take(flood, now, &got));
    assert_true(caller_equal(&got.caller, &caller));
    assert_string_equal(got.caller.listener, caller.listener);
    assert_int_equal(got.count, count);
}

static void assert_no_count(int64_t now)
{
    struct flood_count got;
    assert_false(flood_take(flood, now, &got));
}

static void a_few_are_recorded(void **state)
{
    (void)state;
    for (int64_t second = 5; second < 15; second++)
        assert_int_equal(refuse(uid(1), 10, second * 1000), 10);
    assert_int_equal(resume, 0);
    assert_int_equal(flood_due(flood), INT64_MAX);
    assert_no_count(INT64_MAX);
}

static void the_rest_is_counted(void **state)
{
    (void)state;
    assert_int_equal(refuse(uid(1), 7, 5000), 7);
    assert_int_equal(refuse(uid(1), 1000, 5100), 3);
    assert_int_equal(flood_due(flood), 6100);
    assert_no_count(6099);
    assert_count(6100, uid(1), 997);
    assert_no_count(INT64_MAX);
    assert_int_equal(flood_due(flood), INT64_MAX);
}

static void a_flood_that_lasts_gets_less(void **state)
{
    static const unsigned wanted[] = {10, 5, 2, 1, 1, 1};
    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        int64_t now = 5000 + (int64_t)i * 1000;
        assert_int_equal(refuse(uid(1), 50, now), wanted[i]);
        assert_int_equal(refuse(uid(1), 50, now + 999), 0);
        assert_count(now + 1000, uid(1), 100 - wanted[i]);
    }
    assert_int_equal(refuse(uid(1), 50, 12000), 10); /* after a second without */
}

static void each_for_himself(void **state)
{
    (void)state;
    assert_int_equal(refuse(uid(1), 50, 5000), 10);
    assert_int_equal(refuse(uid(2), 50, 5000), 10);
    assert_int_equal(refuse(listener("shop"), 50, 5000), 10);
    assert_int_equal(refuse(listener("default"), 50, 5000), 10);
    assert_int_equal(
        refuse((struct caller){.by_uid = true, .uid = 1, .listener = "shop"}, 50, 5000),
        0); /* whichever way he comes */
    assert_count(6000, uid(1), 90);
    assert_count(6000, uid(2), 40);
    assert_count(6000, listener("shop"), 40);
    assert_count(6000, listener("default"), 40);
    assert_no_count(INT64_MAX);
}

static void floods_are_read_slowly(void **state)
{
    (void)state;
    assert_int_equal(refuse(uid(1), 10 + 2000, 5000), 10);
    assert_int_equal(resume, 5000 + 2000 * FLOOD_PACE_US / 1000);
    refuse(uid(1), 2000, 5010); /* another connection of his: behind the first */
    assert_int_equal(resume, 5000 + 4000 * FLOOD_PACE_US / 1000);
    refuse(uid(2), 11, 5010);
    assert_int_equal(resume, 5010);
}

/* Somebody with very many uids. */
static void all_together(void **state)
{
    unsigned records = 0, sources = 0;
    uint64_t counted = 0;
    struct flood_count count;
    (void)state;
    for (uid_t i = 0; i < 1000; i++)
        records += refuse(uid(i), 20, 5000);
    assert_int_equal(records, FLOOD_RECORDS_ALL);
    while (flood_take(flood, INT64_MAX, &count)) {
        counted += count.count;
        sources++;
    }
    assert_int_equal(records + counted, 20000);
    assert_int_equal(sources, FLOOD_UIDS + 1);
    assert_int_equal(refuse(uid(2000), 20, 5500), 0);
}

/* The place of somebody who still has a debt is not given away. */
static void nobody_is_forgotten_too_early(void **state)
{
    (void)state;
    assert_int_equal(refuse(uid(1), 20, 5000), 10);
    for (uid_t i = 0; i < 1000; i++)
        refuse(uid(100 + i), 1, 6500);
    refuse(uid(1), 20, 6600);
    assert_count(6600, uid(1), 30);
}

static void what_could_not_be_recorded(void **state)
{
    struct flood_count count;
    (void)state;
    refuse(uid(1), 20, 5000);
    assert_true(flood_take(flood, 6000, &count));
    refuse(uid(1), 10, 6000);
    flood_return(flood, &count, 6100);
    assert_int_equal(flood_due(flood), 7100);
    assert_count(7100, uid(1), 15);
}

static int setup(void **state)
{
    (void)state;
    flood = flood_new();
    return flood ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    flood_free(flood);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_few_are_recorded),
        test(the_rest_is_counted),
        test(a_flood_that_lasts_gets_less),
        test(each_for_himself),
        test(floods_are_read_slowly),
        test(all_together),
        test(nobody_is_forgotten_too_early),
        test(what_could_not_be_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
