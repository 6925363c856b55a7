/* Tests of how threads are shared out among modules while calls are slow. */
#include "config.h"
#include "agent/hsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define MODULES 3

static unsigned sum(const unsigned *numbers, size_t count)
{
    unsigned all = 0;
    for (size_t i = 0; i < count; i++)
        all += numbers[i];
    return all;
}

static void a_few_of_them(void **state)
{
    static const struct {
        unsigned threads;
        size_t count;
        unsigned slow[MODULES], rooms[MODULES];
    } cases[] = {
        {6, 1, {0}, {6}},          {6, 1, {2}, {4}},
        {6, 1, {5}, {5}},          {6, 2, {0, 0}, {6, 6}},
        {6, 2, {2, 0}, {4, 1}},    {6, 2, {2, 2}, {2, 2}},
        {22, 2, {10, 0}, {16, 5}}, {22, 2, {3, 3}, {8, 8}},
        {22, 2, {20, 0}, {20, 1}}, {22, 3, {4, 0, 0}, {16, 2, 2}},
        {2, 1, {1}, {1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned rooms[MODULES];
        hsm_share_threads(cases[i].threads, cases[i].slow, cases[i].count, rooms);
        for (size_t m = 0; m < cases[i].count; m++)
            assert_int_equal(rooms[m], cases[i].rooms[m]);
    }
}

/* Whatever hangs: with the reserve there are a third more threads than workers, and one of them is
 * left to answer. Fewer than four workers are too few for that. */
static void one_thread_stays_outside(void **state)
{
    (void)state;
    for (unsigned workers = 4; workers < 64; workers++) {
        unsigned threads = workers + (workers + 2) / 3, rooms[2];
        for (unsigned a = 1; a < workers; a++) {
            for (unsigned b = 0; a + b <= workers; b++) {
                hsm_share_threads(threads, (unsigned[]){a, b}, 2, rooms);
                assert_true(rooms[0] >= a && rooms[1] >= b && rooms[1] >= 1);
                assert_true(sum(rooms, 2) < threads);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_of_them),
        cmocka_unit_test(one_thread_stays_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
