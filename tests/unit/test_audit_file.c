/* Tests of the file behind the audit log: whole lines or nothing. */
#include "config.h"
#include "agent/audit_file.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct audit_file file;
static char *line;
static size_t length;
static off_t torn;

static int open_log(const char *name)
{
    free(line);
    line = NULL;
    return audit_file_open(scratch_path(name), &file, &line, &length, &torn);
}

static void assert_content(const char *wanted)
{
    char *text = scratch_read("log", NULL);
    assert_string_equal(text, wanted);
    free(text);
}

static void assert_opens(const char *content, const char *last, size_t cut)
{
    scratch_write("log", content);
    assert_int_equal(open_log("log"), 0);
    assert_int_equal(torn, cut);
    assert_int_equal(file.size, strlen(content) - cut);
    if (last) {
        assert_non_null(line);
        assert_int_equal(length, strlen(last));
        assert_memory_equal(line, last, length);
    } else {
        assert_null(line);
    }
    assert_content(content);
    assert_int_equal(audit_file_append(&file, "", 0, false), 0);
    audit_file_close(&file);
    char *text = strdup(content);
    text[strlen(content) - cut] = '\0';
    assert_content(text);
    free(text);
}

static void a_new_log(void **state)
{
    struct stat st;
    (void)state;
    mode_t mask = umask(0);
    assert_int_equal(open_log("log"), 0);
    umask(mask);
    assert_null(line);
    assert_int_equal(torn, 0);
    assert_int_equal(file.size, 0);
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    audit_file_close(&file);
}

static void the_last_line_is_found(void **state)
{
    (void)state;
    assert_opens("", NULL, 0);
    assert_opens("one\n", "one", 0);
    assert_opens("one\ntwo\n", "two", 0);
}

static void a_torn_line_is_cut_off(void **state)
{
    (void)state;
    assert_opens("one\ntw", "one", 2);
    assert_opens("one\ntwo\nt", "two", 1);
    assert_opens("{\"seq\":1,\"ti", NULL, 12);
    assert_opens("{\"s", NULL, 3);
}

/* An empty line is not an empty log. */
static void an_empty_line_is_a_line(void **state)
{
    (void)state;
    assert_opens("\n", "", 0);
    assert_opens("one\n\n", "", 0);
    assert_opens("one\n\nt", "", 1);
}

/* Writes `count` bytes and, where it is so, their newline. */
static void put_line(size_t count, const char *end)
{
    char *text = malloc(count + 2);
    assert_non_null(text);
    memset(text, 'x', count);
    strcpy(text + count, end);
    int fd = open(scratch_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(text);
}

static void long_lines(void **state)
{
    (void)state;
    put_line(1, "\n");
    put_line(AUDIT_LINE_MAX, "\n");
    put_line(AUDIT_LINE_MAX - 2, "");
    assert_int_equal(open_log("log"), 0);
    assert_int_equal(length, AUDIT_LINE_MAX);
    assert_int_equal(torn, AUDIT_LINE_MAX - 2);
    audit_file_close(&file);

    put_line(2 * AUDIT_LINE_MAX, "\n");
    file.fd = -1;
    assert_int_equal(open_log("log"), -EBADMSG);
    assert_int_equal(file.fd, -1); /* closed: not to be closed by somebody else again */
    put_line(2 * AUDIT_LINE_MAX, "");
    assert_int_equal(open_log("log"), -EBADMSG);
}

static void one_agent_at_a_time(void **state)
{
    struct audit_file first;
    (void)state;
    scratch_write("log", "one\ntw");
    int fd = open(scratch_path("log"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(open_log("log"), 0);
    first = file;
    assert_int_equal(audit_file_append(&first, "two\n", 4, false), 0);
    assert_int_equal(open_log("log"), -EBUSY);
    assert_content("one\ntwo\n");
    audit_file_close(&first);
    assert_int_equal(open_log("log"), 0);
    assert_string_equal(line, "two");
    audit_file_close(&file);
    close(fd);
}

/* What another agent is about to finish is not cut off. */
static void a_locked_log_stays_as_it_is(void **state)
{
    (void)state;
    scratch_write("log", "one\n");
    assert_int_equal(open_log("log"), 0);
    struct audit_file first = file;
    put_line(2, "");
    assert_int_equal(open_log("log"), -EBUSY);
    assert_content("one\nxx");
    audit_file_close(&first);
}

static void what_is_no_log(void **state)
{
    (void)state;
    scratch_folder("folder");
    assert_int_equal(open_log("folder"), -EISDIR);
    assert_int_equal(symlink(scratch_write("target", ""), scratch_path("link")), 0);
    assert_int_equal(open_log("link"), -ELOOP);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_int_equal(open_log("fifo"), -EINVAL);
    assert_int_equal(open_log("missing/log"), -ENOENT);
    scratch_write("log", "somebody's file");
    assert_int_equal(open_log("log"), -EBADMSG);
    assert_content("somebody's file");
}

static void lines_are_appended(void **state)
{
    (void)state;
    scratch_write("log", "one\n");
    assert_int_equal(open_log("log"), 0);
    assert_int_equal(audit_file_append(&file, "two\nthree\n", 10, true), 0);
    assert_int_equal(audit_file_append(&file, "four\n", 5, false), 0);
    assert_int_equal(file.size, 19);
    audit_file_close(&file);
    assert_content("one\ntwo\nthree\nfour\n");
}

/* What a failed write left behind, also where it could not be cut off at once. */
static void the_rest_of_a_failed_write_goes_first(void **state)
{
    (void)state;
    scratch_write("log", "one\n");
    assert_int_equal(open_log("log"), 0);
    put_line(3, "");
    assert_int_equal(audit_file_append(&file, "two\n", 4, true), 0);
    audit_file_close(&file);
    assert_content("one\ntwo\n");
}

static void a_log_that_was_cut_is_not_written(void **state)
{
    (void)state;
    scratch_write("log", "one\ntwo\n");
    assert_int_equal(open_log("log"), 0);
    assert_int_equal(truncate(scratch_path("log"), 4), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(audit_file_append(&file, "three\n", 6, true), -ESTALE);
    audit_file_close(&file);
    assert_content("one\n");
}

static void nothing_stays_of_a_short_write(void **state)
{
    (void)state;
    scratch_write("log", "one\n");
    assert_int_equal(open_log("log"), 0);
    scratch_limit(7);
    int first = audit_file_append(&file, "two\n", 4, true);
    int second = audit_file_append(&file, "two\n", 4, true);
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(first, -EFBIG);
    assert_int_equal(second, -EFBIG);
    assert_int_equal(file.size, 4);
    assert_content("one\n");
    assert_int_equal(audit_file_append(&file, "two\n", 4, true), 0);
    audit_file_close(&file);
    assert_content("one\ntwo\n");
}

static int close_folder(void **state)
{
    free(line);
    line = NULL;
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_new_log),
        test(the_last_line_is_found),
        test(a_torn_line_is_cut_off),
        test(an_empty_line_is_a_line),
        test(long_lines),
        test(one_agent_at_a_time),
        test(a_locked_log_stays_as_it_is),
        test(what_is_no_log),
        test(lines_are_appended),
        test(the_rest_of_a_failed_write_goes_first),
        test(a_log_that_was_cut_is_not_written),
        test(nothing_stays_of_a_short_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
