/* Tests of one connection over a socket pair: what goes in, what comes out, and when it ends. */
#include "config.h"
#include "agent/conn.h"

#include "agent/clock.h"
#include "agent/limits.h"
#include "tests/unit/given.h"
#include "tests/unit/scratch.h"
#include "tests/unit/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define INFO   "{'method':'org.varlink.service.GetInfo'}"
#define STATUS "{'method':'io.hintsign.Agent.GetStatus'}"
#define INTERFACE                                                                                  \
    "{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface':'%s'}}"
#define assert_replied(part) assert_true(wire_replied(part))

#define RECEIVE_MS (CONF_RECEIVE_TIMEOUT * 1000)
#define SEND_MS    (CONF_SEND_TIMEOUT * 1000)

static struct service *service;

static void assert_invalid_message(enum conn_wait wait)
{
    assert_int_equal(wait, CONN_CLOSE);
    assert_replied("{'error':'io.hintsign.Agent.InvalidMessage','parameters':{'message':");
    assert_true(wire_closed());
}

/* How far away the deadline is, in ms; -1: there is none. */
static int64_t deadline(void)
{
    int64_t at = atomic_load(&wire_conn->deadline);
    return at ? at - clock_ms() : -1;
}

/* Looks after the connection when it has waited longer than for anything. */
static void look_after(void)
{
    struct limits limits = {.lock = PTHREAD_MUTEX_INITIALIZER, .max = 1, .share = 1};
    assert_true(limits_admit(&limits, wire_conn));
    limits_expire(&limits, clock_ms() + RECEIVE_MS + SEND_MS);
    limits_remove(&limits, wire_conn);
}

/* Whether that ends it. */
static bool is_ended(void)
{
    char byte;
    look_after();
    return send(wire_conn->fd, "", 0, MSG_NOSIGNAL) < 0 ||
           recv(wire_conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void (*while_it_is_served)(void);

/* A record is committed. */
int fdatasync(int fd)
{
    if (while_it_is_served)
        while_it_is_served();
    return (int)syscall(SYS_fdatasync, fd);
}

static void requests_and_replies(void **state)
{
    (void)state;
    wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("{'parameters':{'vendor':'hintsign','product':'hintsign-agent'");
    assert_true(wire_silent());
    assert_int_equal(deadline(), -1);
    wire_call(STATUS);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("'tokens':[{'name':'a','state':'down'");
    assert_int_equal(wire_serve(), CONN_READ); /* woken up for nothing */
    assert_true(wire_silent());
}

static void replies_come_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        wire_call(INTERFACE, i % 2 ? "x.a" : "x.b");
    wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_READ);
    for (int i = 0; i < 5; i++)
        assert_replied(i % 2 ? "InterfaceNotFound','parameters':{'interface':'x.a'}}"
                             : "InterfaceNotFound','parameters':{'interface':'x.b'}}");
    assert_replied("'vendor'");
    assert_true(wire_silent());
}

/* A message may arrive in any pieces; the clock runs from its first byte to its last. */
static void byte_by_byte(void **state)
{
    char *message = quoted(INFO);
    (void)state;
    for (size_t i = 0; i < strlen(message); i++) {
        assert_int_equal(wire_send(message + i, 1), 1);
        assert_int_equal(wire_serve(), CONN_READ);
        assert_true(wire_silent());
        assert_in_range(deadline(), RECEIVE_MS - 10000, RECEIVE_MS);
    }
    assert_int_equal(wire_send("\0{", 2), 2);
    atomic_store(&wire_conn->deadline, clock_ms() + 5); /* nearly over */
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("'vendor'");
    assert_in_range(deadline(), RECEIVE_MS - 10000, RECEIVE_MS); /* of the next one */
    free(message);
}

static void a_trickle_wins_no_time(void **state)
{
    (void)state;
    assert_int_equal(wire_send("{", 1), 1);
    assert_int_equal(wire_serve(), CONN_READ);
    int64_t first = atomic_load(&wire_conn->deadline);
    assert_true(first > 0);
    for (int i = 0; i < 5; i++) {
        usleep(2000);
        assert_int_equal(wire_send(" ", 1), 1);
        assert_int_equal(wire_serve(), CONN_READ);
        assert_int_equal(atomic_load(&wire_conn->deadline), first);
    }
}

static void half_closed(void **state)
{
    (void)state;
    wire_call(INFO);
    wire_call(STATUS);
    wire_half_close();
    enum conn_wait wait = wire_serve();
    while (wait == CONN_READ)
        wait = wire_serve();
    assert_replied("'vendor'");
    assert_replied("'tokens'");
    assert_int_equal(wait, CONN_CLOSE);
    assert_true(wire_closed());
}

static void closed_within_a_message(void **state)
{
    (void)state;
    wire_call(INFO);
    assert_int_equal(wire_send("{\"method\"", 9), 9);
    wire_half_close();
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("'vendor'");
    assert_int_equal(wire_serve(), CONN_CLOSE);
    assert_true(wire_closed());
}

static void messages_that_are_none(void **state)
{
    static const char *const messages[] = {"",
                                           "x",
                                           "[]",
                                           "{",
                                           "{}",
                                           "{'method':1}",
                                           "{'method':'a.B','method':'a.B'}",
                                           "{'method':'\xff'}"};
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        wire_open(service, 0);
        wire_call(INFO);
        wire_call("%s", messages[i]);
        wire_call(INFO); /* too late */
        enum conn_wait wait = wire_serve();
        assert_replied("'vendor'");
        assert_invalid_message(wait);
    }
}

/* Sends a long text piece by piece, as the agent reads it. */
static enum conn_wait send_long(const char *text, size_t length)
{
    enum conn_wait wait = CONN_READ;
    for (size_t sent = 0; sent < length && wait == CONN_READ; wait = wire_serve())
        sent += wire_send(text + sent, length - sent);
    while (wait == CONN_READ && wire_receive(SIZE_MAX) == 0)
        wait = wire_serve();
    return wait;
}

/* INFO with blanks in front, so that it has `length` bytes with its NUL. */
static enum conn_wait send_padded(size_t length)
{
    char *message = quoted(INFO), *text = malloc(length);
    assert_non_null(text);
    memset(text, ' ', length);
    memcpy(text + length - strlen(message) - 1, message, strlen(message) + 1);
    enum conn_wait wait = send_long(text, length);
    free(text);
    free(message);
    return wait;
}

static void long_messages(void **state)
{
    (void)state;
    assert_int_equal(send_padded(VARLINK_REQUEST_MAX), CONN_READ);
    assert_replied("'vendor'");
    assert_true(wire_silent());
    wire_open(service, 0);
    assert_invalid_message(send_padded(VARLINK_REQUEST_MAX + 1));
}

static void a_megabyte_without_an_end(void **state)
{
    static char megabyte[1024 * 1024];
    (void)state;
    memset(megabyte, '[', sizeof megabyte);
    assert_invalid_message(send_long(megabyte, sizeof megabyte));
}

static void others_get_their_turn(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++)
        wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_TURN);
    for (int i = 0; i < SERVE_BATCH_MAX; i++)
        assert_replied("'vendor'");
    assert_true(wire_silent());
    assert_int_equal(wire_serve(), CONN_TURN);
    for (int i = 0; i < SERVE_BATCH_MAX; i++)
        assert_replied("'vendor'");
    assert_int_equal(wire_serve(), CONN_READ);
    for (int i = 0; i < 150 - 2 * SERVE_BATCH_MAX; i++)
        assert_replied("'vendor'");
    assert_true(wire_silent());
}

/* The caller has said all: what he has asked for still comes. */
static void half_closed_with_more_than_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        wire_call(INFO);
    wire_half_close();
    enum conn_wait wait = wire_serve();
    for (int i = 0; i < 10 && wait != CONN_CLOSE; i++)
        wait = wire_serve();
    for (int i = 0; i < 100; i++)
        assert_replied("'vendor'");
    assert_int_equal(wait, CONN_CLOSE);
    assert_true(wire_closed());
}

static void long_replies_end_a_batch(void **state)
{
    (void)state;
    wire_open(service, 1024 * 1024);
    for (int i = 0; i < SERVE_BATCH_MAX; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    assert_int_equal(wire_serve(), CONN_TURN);
    size_t length = wire_receive(SIZE_MAX);
    assert_in_range(length, CONN_REPLIES_MAX, CONN_REPLIES_MAX + 8192);
}

/* A caller who reads late gets all, in order; meanwhile nothing more is read from him. */
static void a_slow_reader(void **state)
{
    (void)state;
    wire_open(service, 4608);
    for (int i = 0; i < 20; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    wire_call(INTERFACE, "the.end");
    enum conn_wait wait = wire_serve();
    assert_int_equal(wait, CONN_WRITE);
    assert_in_range(deadline(), SEND_MS - 10000, SEND_MS);
    int64_t first = atomic_load(&wire_conn->deadline);
    wire_call(INFO);
    usleep(2000);
    assert_int_equal(wire_serve(), CONN_WRITE); /* he has not read anything */
    assert_int_equal(atomic_load(&wire_conn->deadline), first);
    for (int i = 0; i < 1000 && wait != CONN_READ; i++) {
        wire_receive(700);
        wait = wire_serve();
        assert_true(wait == CONN_WRITE || wait == CONN_TURN || wait == CONN_READ);
        assert_true(wait == CONN_READ || atomic_load(&wire_conn->deadline) >= first);
    }
    for (int i = 0; i < 20; i++)
        assert_replied("{'parameters':{'description':'# hintsign mints");
    assert_replied("{'interface':'the.end'}");
    wire_serve();
    assert_replied("'vendor'");
    assert_true(wire_silent());
    assert_int_equal(deadline(), -1);
}

/* He is told what was wrong before the connection ends, however slowly he reads. */
static void a_slow_reader_of_the_last_reply(void **state)
{
    (void)state;
    wire_open(service, 4608);
    for (int i = 0; i < 10; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    wire_call("[]");
    enum conn_wait wait = wire_serve();
    assert_int_equal(wait, CONN_WRITE);
    for (int i = 0; i < 1000 && wait == CONN_WRITE; i++) {
        wire_receive(700);
        wait = wire_serve();
    }
    for (int i = 0; i < 10; i++)
        assert_replied("'description'");
    assert_invalid_message(wait);
}

static void a_caller_who_is_gone(void **state)
{
    (void)state;
    wire_call(INFO);
    wire_hang_up();
    assert_int_equal(wire_serve(), CONN_CLOSE);
}

static void whoever_does_not_finish_is_ended(void **state)
{
    (void)state;
    wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_false(is_ended());
    assert_int_equal(wire_send("{", 1), 1);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_true(is_ended());
    assert_int_equal(wire_serve(), CONN_CLOSE);
}

/* ... but not while it is the agent who has to read. */
static void whoever_has_finished_is_not(void **state)
{
    (void)state;
    assert_int_equal(wire_send("{", 1), 1);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_int_equal(wire_send("}", 2), 2);
    assert_false(is_ended());
}

/* ... or to answer. */
static void nor_while_he_is_served(void **state)
{
    (void)state;
    assert_int_equal(wire_send("{", 1), 1);
    assert_int_equal(wire_serve(), CONN_READ);
    char *rest = quoted("'method':'io.hintsign.Agent.Mint','parameters':{'profile':'x'}}");
    assert_int_equal(wire_send(rest, strlen(rest) + 1), strlen(rest) + 1);
    free(rest);
    while_it_is_served = look_after;
    assert_int_equal(wire_serve(), CONN_READ);
    while_it_is_served = NULL;
    assert_replied("NotAllowed");
}

static void whoever_does_not_read_is_ended(void **state)
{
    (void)state;
    wire_open(service, 4608);
    for (int i = 0; i < 5; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    assert_int_equal(wire_serve(), CONN_WRITE);
    assert_true(is_ended());
}

/* ... but not while it is the agent who has to write: he may be waiting for his turn. */
static void whoever_reads_is_not(void **state)
{
    (void)state;
    wire_open(service, 4608);
    for (int i = 0; i < 5; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    assert_int_equal(wire_serve(), CONN_WRITE);
    wire_receive(SIZE_MAX);
    assert_false(is_ended());
}

/* Of a caller with more than a batch: the agent goes on when he has read. */
static void turns(void **state)
{
    (void)state;
    wire_open(service, 1024 * 1024);
    for (int i = 0; i < SERVE_BATCH_MAX + 1; i++)
        wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_TURN);
    assert_false(is_ended());
    wire_open(service, 80000); /* room for these replies, but hardly for more */
    for (int i = 0; i < SERVE_BATCH_MAX; i++)
        wire_call(INTERFACE, "io.hintsign.Agent");
    assert_int_equal(wire_serve(), CONN_TURN);
    assert_true(is_ended());
}

/* At the end of the agent: what was read is answered, what was not is not read any more. */
static void the_last_turn(void **state)
{
    (void)state;
    for (int i = 0; i < SERVE_BATCH_MAX + 1; i++)
        wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_TURN);
    for (int i = 0; i < SERVE_BATCH_MAX; i++)
        assert_replied("'vendor'");
    wire_call(STATUS);
    assert_int_equal(wire_serve_last(), CONN_CLOSE);
    assert_replied("'vendor'");
    assert_true(wire_silent());
}

static void no_room(void **state)
{
    (void)state;
    conn_refuse(wire_conn);
    wire_conn = NULL;
    assert_replied("{'error':'io.hintsign.Agent.Overloaded','parameters':{'message':"
                   "'Too many connections are open.','retry_after_ms':1000}}");
    assert_true(wire_closed());
}

static int open_service(void **state)
{
    scratch_open(state);
    service = given_service();
    wire_open(service, 0);
    return 0;
}

static int end_service(void **state)
{
    while_it_is_served = NULL;
    wire_close();
    given_end(service);
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_service, end_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(requests_and_replies),
        test(replies_come_in_order),
        test(byte_by_byte),
        test(a_trickle_wins_no_time),
        test(half_closed),
        test(closed_within_a_message),
        test(messages_that_are_none),
        test(long_messages),
        test(a_megabyte_without_an_end),
        test(others_get_their_turn),
        test(half_closed_with_more_than_a_batch),
        test(long_replies_end_a_batch),
        test(a_slow_reader),
        test(a_slow_reader_of_the_last_reply),
        test(a_caller_who_is_gone),
        test(whoever_does_not_finish_is_ended),
        test(whoever_has_finished_is_not),
        test(nor_while_he_is_served),
        test(whoever_does_not_read_is_ended),
        test(whoever_reads_is_not),
        test(turns),
        test(the_last_turn),
        test(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
