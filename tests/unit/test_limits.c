/* Tests of the list of connections: how many there may be, and whose is ended when. */
#include "config.h"
#include "agent/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct limits limits;
static struct conf_limits conf;
static struct conn *conns;

/* More connections than there may be; without a socket, but for those that a test opens. */
#define CONNECTIONS     4096
#define CONNECTIONS_UID 1024
#define CONNS           (CONNECTIONS + 8)

static int setup(void **state)
{
    (void)state;
    conns = calloc(CONNS, sizeof *conns);
    for (size_t i = 0; conns && i < CONNS; i++) {
        conns[i].fd = -1;
        conns[i].peer = (struct peer){.identified = true, .listener = "default"};
        atomic_store(&conns[i].active, (int64_t)i);
    }
    limits = (struct limits){0};
    pthread_mutex_init(&limits.lock, NULL);
    conf_limits_default(&conf);
    limits_set(&limits, &conf, 1 << 20);
    return conns ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONNS; i++)
        if (conns[i].fd >= 0)
            close(conns[i].fd);
    free(conns);
    pthread_mutex_destroy(&limits.lock);
    return 0;
}

/* Gives the connection a socket; returns the caller's end. */
static int open_socket(struct conn *conn)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    conn->fd = fds[0];
    return fds[1];
}

/* Whether the agent takes nothing more from this caller. */
static bool is_ended(int caller)
{
    return send(caller, "", 0, MSG_NOSIGNAL) < 0;
}

static void assert_list(const size_t *wanted, size_t count)
{
    const struct conn *conn = limits.first, *previous = NULL;
    for (size_t i = 0; i < count; i++, previous = conn, conn = conn->next) {
        assert_ptr_equal(conn, &conns[wanted[i]]);
        assert_ptr_equal(conn->previous, previous);
    }
    assert_null(conn);
    assert_ptr_equal(limits.last, previous);
    assert_int_equal(limits_count(&limits), count);
}

static void oldest_first(void **state)
{
    (void)state;
    assert_list(NULL, 0);
    for (size_t i = 0; i < 5; i++)
        assert_true(limits_admit(&limits, &conns[i]));
    assert_list((size_t[]){0, 1, 2, 3, 4}, 5);
    limits_remove(&limits, &conns[2]);
    assert_list((size_t[]){0, 1, 3, 4}, 4);
    assert_true(limits_admit(&limits, &conns[2])); /* wherever it was before */
    assert_list((size_t[]){0, 1, 3, 4, 2}, 5);
    limits_remove(&limits, &conns[0]);
    limits_remove(&limits, &conns[2]);
    limits_remove(&limits, &conns[4]);
    assert_list((size_t[]){1, 3}, 2);
    limits_remove(&limits, &conns[3]);
    limits_remove(&limits, &conns[1]);
    assert_list(NULL, 0);
    assert_true(limits_admit(&limits, &conns[7]));
    assert_list((size_t[]){7}, 1);
}

static void so_many_in_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        conns[i].peer.uid = (uid_t)(i % 8);
        assert_true(limits_admit(&limits, &conns[i]));
    }
    assert_false(limits_admit(&limits, &conns[CONNECTIONS]));
    assert_int_equal(limits_count(&limits), CONNECTIONS);
    limits_remove(&limits, &conns[5]);
    assert_true(limits_admit(&limits, &conns[CONNECTIONS]));
}

/* Fills one uid's share; another's connections are among them. */
static void fill_share(void)
{
    for (size_t i = 0; i < CONNECTIONS_UID; i++) {
        conns[i].peer.uid = 1000;
        assert_true(limits_admit(&limits, &conns[i]));
    }
    assert_true(limits_admit(&limits, &conns[CONNS - 1])); /* root's, and idle for long */
    atomic_store(&conns[CONNS - 1].active, -1);
    conns[CONNECTIONS_UID].peer.uid = 1000;
}

static void a_share_makes_room_by_its_longest_idle(void **state)
{
    (void)state;
    fill_share();
    int roots = open_socket(&conns[CONNS - 1]), idle = open_socket(&conns[17]),
        busy = open_socket(&conns[3]);
    atomic_store(&conns[17].active, -20);
    atomic_store(&conns[3].active, -30);
    atomic_store(&conns[3].busy, true);
    assert_true(limits_admit(&limits, &conns[CONNECTIONS_UID]));
    assert_true(is_ended(idle));
    assert_false(is_ended(busy));
    assert_false(is_ended(roots));
    /* It stays in the list until its worker has closed it. */
    assert_int_equal(limits_count(&limits), CONNECTIONS_UID + 2);
    close(roots);
    close(idle);
    close(busy);
}

/* What was sent and is not read yet is under way as well. */
static void unread_is_not_idle(void **state)
{
    (void)state;
    fill_share();
    int asks = open_socket(&conns[3]), idle = open_socket(&conns[17]);
    atomic_store(&conns[3].active, -30);
    atomic_store(&conns[17].active, -20);
    assert_int_equal(send(asks, "asked", 5, MSG_NOSIGNAL), 5);
    assert_true(limits_admit(&limits, &conns[CONNECTIONS_UID]));
    assert_true(is_ended(idle));
    assert_false(is_ended(asks));
    close(asks);
    close(idle);
}

/* A worker may take it up at that moment. */
static void whoever_is_ended_can_be_answered(void **state)
{
    char bytes[8];
    (void)state;
    fill_share();
    int idle = open_socket(&conns[0]);
    assert_true(limits_admit(&limits, &conns[CONNECTIONS_UID]));
    assert_true(is_ended(idle));
    assert_int_equal(send(conns[0].fd, "answer", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(recv(idle, bytes, sizeof bytes, 0), 6);
    close(idle);
}

/* The next one ends another: the first may not be closed yet. */
static void each_newcomer_ends_one(void **state)
{
    int callers[3];
    (void)state;
    fill_share();
    for (size_t i = 0; i < 3; i++)
        callers[i] = open_socket(&conns[i]);
    for (size_t i = 0; i < 3; i++) {
        conns[CONNECTIONS_UID + i].peer.uid = 1000;
        assert_false(is_ended(callers[i]));
        assert_true(limits_admit(&limits, &conns[CONNECTIONS_UID + i]));
        assert_true(is_ended(callers[i]));
    }
    for (size_t i = 0; i < 3; i++)
        close(callers[i]);
}

/* Those that are ended and not closed yet must not take everybody's room: as many callers as it
 * takes to fill it by their shares. */
static void newcomers_faster_than_their_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONNS - 1; i++) {
        conns[i].peer.uid = (uid_t)(1000 + i % 3);
        limits_admit(&limits, &conns[i]);
    }
    assert_true(limits_count(&limits) > 3 * CONNECTIONS_UID);
    conns[CONNS - 1].peer.uid = 999;
    assert_true(limits_admit(&limits, &conns[CONNS - 1]));
}

static void few_descriptors(void **state)
{
    (void)state;
    assert_int_equal(limits_set(&limits, &conf, 1 << 20), CONNECTIONS);
    assert_int_equal(limits_set(&limits, &conf, 80), 60);
    for (size_t i = 0; i < 60; i++) {
        conns[i].peer.uid = (uid_t)i % 5;
        assert_true(limits_admit(&limits, &conns[i]));
    }
    assert_false(limits_admit(&limits, &conns[60]));
}

/* Fewer from now on: those that are there stay, and one caller's next takes an old one's place. */
static void as_configured(void **state)
{
    size_t max, share;
    (void)state;
    conf.connections = 10;
    conf.connections_per_uid = 5;
    assert_int_equal(limits_set(&limits, &conf, 1 << 20), 10);
    for (size_t i = 0; i < 10; i++) {
        conns[i].peer.uid = (uid_t)i % 2;
        assert_true(limits_admit(&limits, &conns[i]));
    }
    assert_false(limits_admit(&limits, &conns[10]));
    conf.connections = 20;
    conf.connections_per_uid = 3;
    assert_int_equal(limits_set(&limits, &conf, 1 << 20), 20);
    int idle = open_socket(&conns[2]);
    atomic_store(&conns[2].active, -1);
    assert_true(limits_admit(&limits, &conns[12]));
    assert_true(is_ended(idle));
    assert_int_equal(limits_set(&limits, &conf, 4), 3);
    limits_get(&limits, &max, &share);
    assert_int_equal(max, 3);
    assert_int_equal(share, 1);
    close(idle);
}

/* Whose uid says nothing is known by his listener. */
static void by_listener(void **state)
{
    (void)state;
    conf.connections_per_uid = 2;
    limits_set(&limits, &conf, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        conns[i].peer = (struct peer){.listener = "shop", .uid = PEER_UNKNOWN_ID};
        atomic_store(&conns[i].busy, true);
        assert_int_equal(limits_admit(&limits, &conns[i]), i < 2);
    }
    conns[5].peer = (struct peer){.listener = "default", .uid = PEER_UNKNOWN_ID};
    assert_true(limits_admit(&limits, &conns[5]));
}

static void a_share_all_busy(void **state)
{
    (void)state;
    fill_share();
    for (size_t i = 0; i < CONNECTIONS_UID; i++)
        atomic_store(&conns[i].busy, true);
    assert_false(limits_admit(&limits, &conns[CONNECTIONS_UID]));
    conns[CONNECTIONS_UID].peer.uid = 1001; /* nobody else is concerned */
    assert_true(limits_admit(&limits, &conns[CONNECTIONS_UID]));
}

static void deadlines(void **state)
{
    static const int64_t at[] = {0, 999, 1000, 1001};
    static const bool ended[] = {false, true, false, false};
    int callers[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        callers[i] = open_socket(&conns[i]);
        atomic_store(&conns[i].wait, CONN_READ);
        atomic_store(&conns[i].deadline, at[i]);
        assert_true(limits_admit(&limits, &conns[i]));
    }
    limits_expire(&limits, 1000);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(is_ended(callers[i]), ended[i]);
        close(callers[i]);
    }
    assert_int_equal(limits_count(&limits), 4); /* removing them is their worker's */
}

/* Nobody can say more, and everybody can still be answered. */
static void the_end(void **state)
{
    char bytes[8];
    (void)state;
    int caller = open_socket(&conns[0]);
    assert_true(limits_admit(&limits, &conns[0]));
    assert_int_equal(send(caller, "said", 4, MSG_NOSIGNAL), 4);
    limits_end_all(&limits);
    assert_int_equal(send(caller, "more", 4, MSG_NOSIGNAL), -1);
    assert_int_equal(recv(conns[0].fd, bytes, sizeof bytes, 0), 4); /* what was said counts */
    assert_int_equal(recv(conns[0].fd, bytes, sizeof bytes, 0), 0);
    assert_int_equal(send(conns[0].fd, "answer", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(recv(caller, bytes, sizeof bytes, 0), 6);
    close(caller);
}

#define THREADS 4

/* A worker: its connections come, are served, and go. */
static void *come_and_go(void *argument)
{
    struct conn *own = argument;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 8; i++) {
            if (!limits_admit(&limits, &own[i]))
                return own;
            atomic_store(&own[i].busy, true);
            atomic_store(&own[i].wait, CONN_READ);
            atomic_store(&own[i].deadline, round % 2);
            atomic_store(&own[i].active, round);
            atomic_store(&own[i].busy, false);
        }
        for (int i = 7; i >= 0; i--)
            limits_remove(&limits, &own[(i * 3) % 8]);
    }
    return NULL;
}

static void many_threads(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &conns[i * 8]), 0);
    for (int i = 0; i < 500; i++) {
        limits_expire(&limits, 5);
        assert_true(limits_count(&limits) <= THREADS * 8);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_list(NULL, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(oldest_first),
        test(so_many_in_all),
        test(a_share_makes_room_by_its_longest_idle),
        test(unread_is_not_idle),
        test(whoever_is_ended_can_be_answered),
        test(each_newcomer_ends_one),
        test(newcomers_faster_than_their_end),
        test(few_descriptors),
        test(as_configured),
        test(by_listener),
        test(a_share_all_busy),
        test(deadlines),
        test(the_end),
        test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
