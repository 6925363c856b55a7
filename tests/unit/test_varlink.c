/* Tests of the framing, over a socket pair. */
#include "config.h"
#include "client/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct pair {
    int near; /* non-blocking */
    int far;
    struct varlink_input input;
};

static int setup(void **state)
{
    static struct pair pair;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -1;
    pair.near = fds[0];
    pair.far = fds[1];
    *state = &pair;
    return fcntl(pair.near, F_SETFL, O_NONBLOCK);
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    varlink_input_clear(&pair->input);
    close(pair->near);
    if (pair->far >= 0)
        close(pair->far);
    return 0;
}

static void put(struct pair *pair, const char *bytes, size_t length)
{
    assert_int_equal(send(pair->far, bytes, length, 0), length);
}

static void expect_message(struct pair *pair, const char *wanted)
{
    char *message;
    size_t length;
    assert_true(varlink_input_ready(&pair->input));
    assert_int_equal(varlink_input_next(&pair->input, &message, &length), 1);
    assert_int_equal(length, strlen(wanted));
    assert_string_equal(message, wanted);
}

static void expect_none(struct pair *pair)
{
    char *message;
    size_t length;
    assert_false(varlink_input_ready(&pair->input));
    assert_int_equal(varlink_input_next(&pair->input, &message, &length), 0);
}

static void split_at_every_byte(void **state)
{
    static const char stream[] = "{\"a\":1}\0{}\0\0last";
    struct pair *pair = *state;
    for (size_t split = 1; split < sizeof stream; split++) {
        varlink_input_init(&pair->input, 64);
        put(pair, stream, split);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), split);
        put(pair, stream + split, sizeof stream - split);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), sizeof stream - split);
        expect_message(pair, "{\"a\":1}");
        expect_message(pair, "{}");
        expect_message(pair, "");
        expect_message(pair, "last");
        expect_none(pair);
        assert_false(varlink_input_partial(&pair->input));
    }
}

static void taken_between_reads(void **state)
{
    static const char stream[] = "one\0two\0three";
    struct pair *pair = *state;
    for (size_t split = 1; split < sizeof stream; split++) {
        char *message, got[sizeof stream] = {0};
        size_t length, n = 0;
        varlink_input_init(&pair->input, 64);
        for (int half = 0; half < 2; half++) {
            put(pair, half ? stream + split : stream, half ? sizeof stream - split : split);
            assert_true(varlink_input_read(&pair->input, pair->near) > 0);
            while (varlink_input_next(&pair->input, &message, &length) == 1) {
                memcpy(got + n, message, length + 1);
                n += length + 1;
            }
        }
        assert_int_equal(n, sizeof stream);
        assert_memory_equal(got, stream, sizeof stream);
    }
}

static void byte_by_byte(void **state)
{
    struct pair *pair = *state;
    varlink_input_init(&pair->input, 64);
    for (const char *byte = "{\"method\":\"x\"}"; *byte; byte++) {
        put(pair, byte, 1);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), 1);
        expect_none(pair);
        assert_true(varlink_input_partial(&pair->input));
    }
    put(pair, "", 1);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), 1);
    expect_message(pair, "{\"method\":\"x\"}");
}

static void many_in_one_read(void **state)
{
    enum { COUNT = 1000 };
    struct pair *pair = *state;
    char stream[3 * COUNT];
    for (int i = 0; i < COUNT; i++)
        memcpy(stream + 3 * i, "{}", 3);
    varlink_input_init(&pair->input, VARLINK_REQUEST_MAX);
    put(pair, stream, sizeof stream);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), sizeof stream);
    for (int i = 0; i < COUNT; i++)
        expect_message(pair, "{}");
    expect_none(pair);
}

/* Sends a message of `length` bytes without its NUL, reading all along. */
static ssize_t fill(struct pair *pair, size_t length)
{
    char chunk[512];
    memset(chunk, 'x', sizeof chunk);
    while (length > 0) {
        size_t size = length < sizeof chunk ? length : sizeof chunk;
        put(pair, chunk, size);
        ssize_t n;
        while ((n = varlink_input_read(&pair->input, pair->near)) > 0)
            ;
        if (n != -EAGAIN)
            return n;
        length -= size;
    }
    return 0;
}

static void longest_message(void **state)
{
    static const size_t limits[] = {2, 100, 16 * 1024, 16 * 1024 + 1, VARLINK_REQUEST_MAX};
    struct pair *pair = *state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char *message;
        size_t length;
        varlink_input_init(&pair->input, limits[i]);
        assert_int_equal(fill(pair, limits[i] - 1), 0);
        put(pair, "", 1);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), 1);
        assert_int_equal(varlink_input_next(&pair->input, &message, &length), 1);
        assert_int_equal(length, limits[i] - 1);
        varlink_input_clear(&pair->input);
    }
}

static void too_long_message(void **state)
{
    char *message;
    size_t length;
    struct pair *pair = *state;
    varlink_input_init(&pair->input, VARLINK_REQUEST_MAX);
    assert_int_equal(fill(pair, VARLINK_REQUEST_MAX), -EMSGSIZE);
    assert_int_equal(varlink_input_next(&pair->input, &message, &length), -EMSGSIZE);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), -EMSGSIZE);
}

/* The limit is one message's: more bytes than that may pass in many. */
static void limit_is_of_one_message(void **state)
{
    struct pair *pair = *state;
    varlink_input_init(&pair->input, 8);
    for (int i = 0; i < 100; i++) {
        put(pair, "1234567", 8);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), 8);
        expect_message(pair, "1234567");
    }
}

static void memory_is_given_back(void **state)
{
    struct pair *pair = *state;
    varlink_input_init(&pair->input, 64);
    assert_null(pair->input.data);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), -EAGAIN);
    assert_null(pair->input.data);
    put(pair, "{}", 3);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), 3);
    expect_message(pair, "{}");
    expect_none(pair);
    assert_null(pair->input.data);
}

/* What one input does not need any more is the next one's, once. */
static void memory_is_used_again(void **state)
{
    struct pair *pair = *state;
    struct varlink_input other;
    char *spare = NULL;
    varlink_input_init(&pair->input, VARLINK_REQUEST_MAX);
    varlink_input_init(&other, VARLINK_REQUEST_MAX);
    pair->input.spare = other.spare = &spare;
    for (int i = 0; i < 3; i++) {
        put(pair, "{}", 3);
        assert_int_equal(varlink_input_read(&pair->input, pair->near), 3);
        assert_null(spare);
        expect_message(pair, "{}");
        expect_none(pair);
        assert_non_null(spare);
    }
    char *memory = spare;
    put(pair, "{}", 2);
    assert_int_equal(varlink_input_read(&other, pair->near), 2);
    assert_ptr_equal(other.data, memory);
    put(pair, "{}", 2);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), 2);
    assert_ptr_not_equal(pair->input.data, memory);
    varlink_input_clear(&other);
    assert_ptr_equal(spare, memory);
    varlink_input_clear(&pair->input);
    assert_ptr_equal(spare, memory);
    pair->input.spare = NULL;
    free(spare);
}

static void end_of_stream(void **state)
{
    struct pair *pair = *state;
    varlink_input_init(&pair->input, 64);
    put(pair, "{}\0{\"half", 9);
    close(pair->far);
    pair->far = -1;
    assert_int_equal(varlink_input_read(&pair->input, pair->near), 9);
    assert_int_equal(varlink_input_read(&pair->input, pair->near), 0);
    expect_message(pair, "{}");
    expect_none(pair);
    assert_true(varlink_input_partial(&pair->input));
}

static void send_stops_when_the_socket_is_full(void **state)
{
    static char block[64 * 1024];
    struct pair *pair = *state;
    ssize_t n, sent = 0, got = 0;
    while ((n = varlink_send(pair->near, block, sizeof block)) > 0)
        sent += n;
    assert_int_equal(n, 0);
    while ((n = recv(pair->far, block, sizeof block, MSG_DONTWAIT)) > 0)
        got += n;
    assert_int_equal(got, sent);
    assert_int_equal(varlink_send(pair->near, "x", 1), 1);
}

static void send_raises_no_signal(void **state)
{
    struct pair *pair = *state;
    close(pair->far);
    pair->far = -1;
    assert_int_equal(varlink_send(pair->near, "x", 1), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(split_at_every_byte),
        TEST(taken_between_reads),
        TEST(byte_by_byte),
        TEST(many_in_one_read),
        TEST(longest_message),
        TEST(too_long_message),
        TEST(limit_is_of_one_message),
        TEST(memory_is_given_back),
        TEST(memory_is_used_again),
        TEST(end_of_stream),
        TEST(send_stops_when_the_socket_is_full),
        TEST(send_raises_no_signal),
    };
    return cmocka_run_group_tests_name("varlink", tests, NULL, NULL);
}
