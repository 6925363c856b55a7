/* Tests of the workers' shares: who is served next when many want to be. */
#include "config.h"
#include "agent/fair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORKERS 8
#define CONNS   64

static struct fair *fair;
static struct conn *conns; /* of the uid that is the index divided by ten */

static struct conn *conn_of(unsigned uid, unsigned i)
{
    return &conns[uid * 10 + i];
}

/* Serves what is ready, as a worker would that was idle. */
static struct conn *ready(struct conn *conn)
{
    bool idle;
    assert_null(fair_next(fair, &idle));
    assert_true(idle);
    return fair_admit(fair, conn, true);
}

/* The last free worker finds this, or nothing, ready. */
static struct conn *last_worker_finds(struct conn *conn)
{
    bool idle;
    struct conn *next = fair_next(fair, &idle);
    return next ? next : fair_admit(fair, conn, idle);
}

static void ends(const struct conn *conn)
{
    struct caller caller = caller_of(&conn->peer);
    fair_end(fair, &caller);
}

/* All but one worker serve uid 1. */
static void take_seven(void)
{
    bool idle;
    assert_null(fair_next(fair, &idle)); /* the last one waits meanwhile */
    for (unsigned i = 0; i < WORKERS - 1; i++)
        assert_ptr_equal(ready(conn_of(1, i)), conn_of(1, i));
    assert_int_equal(atomic_load(fair_idle(fair)), 1);
    assert_null(fair_admit(fair, NULL, true)); /* and wakes up for nothing */
    assert_int_equal(atomic_load(fair_idle(fair)), 0);
}

static void alone_he_may_have_all(void **state)
{
    (void)state;
    take_seven();
    assert_null(last_worker_finds(conn_of(1, 7)));
    assert_null(last_worker_finds(conn_of(1, 8)));
    assert_ptr_equal(last_worker_finds(NULL), conn_of(1, 7));
    ends(conn_of(1, 0));
    assert_ptr_equal(last_worker_finds(NULL), conn_of(1, 8));
}

static void others_come_first(void **state)
{
    (void)state;
    take_seven();
    assert_null(last_worker_finds(conn_of(1, 7)));
    assert_ptr_equal(last_worker_finds(conn_of(2, 0)), conn_of(2, 0));
    ends(conn_of(1, 0));
    assert_ptr_equal(last_worker_finds(conn_of(3, 0)), conn_of(3, 0));
    ends(conn_of(1, 1));
    ends(conn_of(1, 2));
    assert_null(last_worker_finds(conn_of(1, 8))); /* he still has his half */
    assert_ptr_equal(last_worker_finds(conn_of(2, 1)), conn_of(2, 1));
    ends(conn_of(1, 3));
    assert_ptr_equal(last_worker_finds(conn_of(2, 2)), conn_of(1, 7)); /* now it is his turn */
}

/* Nobody becomes idle beside a connection that was put aside. */
static void nothing_waits_beside_an_idle_worker(void **state)
{
    bool idle;
    (void)state;
    take_seven();
    assert_null(last_worker_finds(conn_of(1, 7)));
    assert_ptr_equal(last_worker_finds(conn_of(2, 0)), conn_of(2, 0));
    ends(conn_of(1, 0));
    assert_null(fair_next(fair, &idle));
    assert_false(idle);
    assert_ptr_equal(fair_admit(fair, NULL, idle), conn_of(1, 7));
}

/* Two have their half each, and two connections aside. */
static void in_turn(void **state)
{
    unsigned last = 0;
    bool idle;
    (void)state;
    assert_null(fair_next(fair, &idle));
    for (unsigned i = 0; i < WORKERS; i++)
        assert_non_null(ready(conn_of(1 + i % 2, i / 2)));
    assert_null(fair_admit(fair, NULL, idle));
    for (unsigned i = 0; i < 4; i++)
        assert_null(last_worker_finds(conn_of(1 + i / 2, 6 + i % 2)));
    for (unsigned i = 0; i < 4; i++) {
        const struct conn *conn = last_worker_finds(NULL);
        assert_ptr_equal(conn, conn_of(conn->peer.uid, 6 + i / 2));
        assert_int_not_equal(conn->peer.uid, last);
        last = conn->peer.uid;
    }
}

static void the_unidentified_by_listener(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONNS; i++)
        conns[i].peer.identified = false;
    take_seven();
    conn_of(2, 0)->peer.listener = "shop";
    assert_null(last_worker_finds(conn_of(1, 7)));
    assert_null(last_worker_finds(conn_of(3, 0)));
    assert_ptr_equal(last_worker_finds(conn_of(2, 0)), conn_of(2, 0));
}

/* Whatever comes in whatever order, each connection is given out as often as it comes. */
static void chance(void **state)
{
    unsigned aside = 0, serving = 0;
    bool busy[CONNS] = {false}, waits[CONNS] = {false};
    (void)state;
    srandom(7);
    for (int step = 0; step < 100000; step++) {
        size_t i = (size_t)random() % CONNS;
        if (busy[i]) {
            ends(&conns[i]);
            busy[i] = false;
            serving--;
        }
        if (serving == WORKERS)
            continue;
        struct conn *found = waits[i] || random() % 4 == 0 ? NULL : &conns[i];
        const struct conn *next = last_worker_finds(found);
        if (found && next != found && !next) {
            waits[i] = true;
            aside++;
        }
        if (!next)
            continue;
        size_t at = (size_t)(next - conns);
        assert_false(busy[at]);
        aside -= waits[at];
        waits[at] = false;
        busy[at] = true;
        serving++;
    }
    while (last_worker_finds(NULL))
        aside--;
    assert_int_equal(aside, 0);
}

static int setup(void **state)
{
    (void)state;
    fair = fair_new(WORKERS);
    conns = calloc(CONNS, sizeof *conns);
    for (unsigned i = 0; conns && i < CONNS; i++)
        conns[i].peer = (struct peer){.listener = "default", .identified = true, .uid = i / 10};
    return fair && conns ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fair_free(fair);
    free(conns);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(alone_he_may_have_all),
        test(others_come_first),
        test(nothing_waits_beside_an_idle_worker),
        test(in_turn),
        test(the_unidentified_by_listener),
        test(chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
