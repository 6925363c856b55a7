/* Tests of the log: one line an event, whatever is in it. */
#include "config.h"
#include "agent/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char line[4096];

/* Logs a string and keeps what standard error got for it. */
static void write_line(enum log_level level, const char *text)
{
    int fds[2], standard_error = dup(STDERR_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    log_write(level, "%s", text);
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    close(fds[1]);
    ssize_t n = read(fds[0], line, sizeof line - 1);
    assert_true(n > 0);
    line[n] = '\0';
    close(fds[0]);
}

static void assert_line(enum log_level level, const char *text, const char *wanted)
{
    write_line(level, text);
    assert_string_equal(line, wanted);
}

static int without_journal(void **state)
{
    (void)state;
    return unsetenv("JOURNAL_STREAM");
}

static void levels(void **state)
{
    (void)state;
    assert_line(LOG_ERROR_LEVEL, "a", "ERROR: a\n");
    assert_line(LOG_WARNING_LEVEL, "a", "WARNING: a\n");
    assert_line(LOG_INFO_LEVEL, "a", "a\n");
    assert_line(LOG_INFO_LEVEL, "", "\n");
}

/* systemd takes the level from a prefix and shows the rest. */
static void levels_for_the_journal(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    assert_line(LOG_ERROR_LEVEL, "a", "<3>ERROR: a\n");
    assert_line(LOG_WARNING_LEVEL, "a", "<4>WARNING: a\n");
    assert_line(LOG_INFO_LEVEL, "a", "<6>a\n");
}

/* No event can look like two, and none can command a terminal. */
static void control_characters(void **state)
{
    (void)state;
    assert_line(LOG_INFO_LEVEL, "a\nERROR: b\r\t\x1b[31m\x7f\x01", "a?ERROR: b???[31m??\n");
    assert_line(LOG_INFO_LEVEL, "\xc3\xa5\xf0\x9f\x98\x80", "\xc3\xa5\xf0\x9f\x98\x80\n");
}

static void long_lines_are_cut(void **state)
{
    static char text[3000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    write_line(LOG_ERROR_LEVEL, text);
    assert_int_equal(strlen(line), 1024);
    assert_memory_equal(line, "ERROR: xxx", 10);
    assert_int_equal(line[1022], 'x');
    assert_int_equal(line[1023], '\n');
}

/* How many whole lines can be read. */
static size_t read_lines(int fd)
{
    size_t lines = 0;
    ssize_t n;
    while ((n = read(fd, line, sizeof line - 1)) > 0)
        for (ssize_t i = 0; i < n; i++)
            lines += line[i] == '\n';
    return lines;
}

/* Whoever logs must not have to wait for somebody who reads. */
static void nobody_reads(void **state)
{
    const size_t count = 200;
    static char text[1000];
    int fds[2], standard_error = dup(STDERR_FILENO);
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    fcntl(fds[1], F_SETFL, 0);
    dup2(fds[1], STDERR_FILENO);
    alarm(10);
    for (size_t i = 0; i < count; i++)
        log_info("%s", text);
    alarm(0);
    size_t written = read_lines(fds[0]);
    log_tell_lost(); /* who reads again need not wait for something to happen */
    log_tell_lost();
    dup2(standard_error, STDERR_FILENO);
    ssize_t n = read(fds[0], line, sizeof line - 1);
    char wanted[128];
    snprintf(wanted, sizeof wanted, "<4>WARNING: %zu lines of the log were lost\n",
             count - written);
    assert_in_range(written, 1, count - 1);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(line, wanted, strlen(wanted));
    close(standard_error);
    close(fds[0]);
    close(fds[1]);
}

#define test(name) cmocka_unit_test_setup(name, without_journal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(levels),
        test(levels_for_the_journal),
        test(control_characters),
        test(long_lines_are_cut),
        test(nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
