/* Tests of the command's line reader, over a pipe. */
#include "config.h"
#include "client/cli/lines.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct lines lines;
static int writer;

static int setup(void **state)
{
    int fds[2];
    (void)state;
    if (pipe(fds) < 0)
        return -1;
    memset(&lines, 0, sizeof lines);
    lines.fd = fds[0];
    writer = fds[1];
    return 0;
}

static void end_input(void)
{
    close(writer);
    writer = -1;
}

static int teardown(void **state)
{
    (void)state;
    close(lines.fd);
    if (writer >= 0)
        end_input();
    return 0;
}

static void put(const char *text)
{
    assert_int_equal(write(writer, text, strlen(text)), strlen(text));
}

static void expect_line(const char *wanted)
{
    const char *line;
    size_t length;
    assert_true(lines_next(&lines, &line, &length));
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(line, wanted, length);
}

static void expect_none(void)
{
    const char *line;
    size_t length;
    assert_false(lines_next(&lines, &line, &length));
}

/* Nothing is waited for while whole lines are there. */
static void lines_come_as_they_are_written(void **state)
{
    (void)state;
    put("one\n\nthr");
    assert_int_equal(lines_read(&lines), 1);
    expect_line("one");
    expect_line("");
    expect_none();
    assert_int_equal(lines.taken, 5);
    put("ee\nlast");
    assert_int_equal(lines_read(&lines), 1);
    expect_line("three");
    expect_none();
    end_input();
    assert_int_equal(lines_read(&lines), 1);
    expect_line("last");
    expect_none();
    assert_int_equal(lines.taken, 15);
    assert_int_equal(lines_read(&lines), 0);
}

static void no_input(void **state)
{
    (void)state;
    end_input();
    assert_int_equal(lines_read(&lines), 0);
    expect_none();
    assert_int_equal(lines_read(&lines), 0);
}

static void final_newline_is_no_line(void **state)
{
    (void)state;
    put("one\n");
    end_input();
    assert_int_equal(lines_read(&lines), 1);
    expect_line("one");
    expect_none();
    assert_int_equal(lines_read(&lines), 0);
    expect_none();
}

/* Writes `length` bytes without a newline, reading all along. */
static int read_long(size_t length)
{
    char chunk[1024];
    int r = 1;
    memset(chunk, 'x', sizeof chunk);
    while (length > 0 && r == 1) {
        size_t size = length < sizeof chunk ? length : sizeof chunk;
        assert_int_equal(write(writer, chunk, size), size);
        r = lines_read(&lines);
        length -= size;
    }
    return r;
}

static void longest_line(void **state)
{
    const char *line;
    size_t length;
    (void)state;
    assert_int_equal(read_long(LINES_LENGTH_MAX), 1);
    expect_none();
    put("\n");
    assert_int_equal(lines_read(&lines), 1);
    assert_true(lines_next(&lines, &line, &length));
    assert_int_equal(length, LINES_LENGTH_MAX);
}

static void too_long_line(void **state)
{
    (void)state;
    assert_int_equal(read_long(LINES_LENGTH_MAX + 1), 1);
    expect_none();
    assert_int_equal(lines_read(&lines), -EMSGSIZE);
}

static void unreadable(void **state)
{
    (void)state;
    close(lines.fd);
    assert_int_equal(lines_read(&lines), -EBADF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lines_come_as_they_are_written),
        TEST(no_input),
        TEST(final_newline_is_no_line),
        TEST(longest_line),
        TEST(too_long_line),
        TEST(unreadable),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
