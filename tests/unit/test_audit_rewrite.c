/* Tests of lines that are written again because a disk may have lost them. */
#include "config.h"
#include "agent/audit_rewrite.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define LINES 4
#define MANY  50

static struct audit_file file;
static struct audit_mark marks[MANY + 1]; /* behind each line; the first one before all */
static char text[MANY * AUDIT_LINE_MAX];
static size_t longest_read;

ssize_t pread(int fd, void *buffer, size_t length, off_t offset)
{
    if (fd == file.fd && length > longest_read)
        longest_read = length;
    return syscall(SYS_pread64, fd, buffer, length, offset);
}

/* A log of lines that are longer by `more` bytes than they have to be, and when it was written
 * last: never. */
static void given_lines(int count, int more)
{
    static const struct timespec never[2];
    size_t length = 0;
    for (int i = 1; i <= count; i++) {
        size_t start = length;
        length +=
            (size_t)sprintf(text + length, "{\"seq\":%d,\"more\":\"%*s\",\"prev\":\"", i, more, "");
        for (size_t n = 0; n < AUDIT_HASH_BYTES; n++)
            length += (size_t)sprintf(text + length, "%02x", marks[i - 1].hash[n]);
        length += (size_t)sprintf(text + length, "\"}");
        assert_true(audit_record_sha256(EVP_sha256(), text + start, length - start, marks[i].hash));
        text[length++] = '\n';
        marks[i].sequence = i;
        marks[i].end = (off_t)length;
    }
    text[length] = '\0';
    scratch_write("log", text);
    file = (struct audit_file){.fd = open(scratch_path("log"), O_RDWR | O_APPEND | O_CLOEXEC),
                               .size = (off_t)length};
    assert_true(file.fd >= 0);
    assert_int_equal(futimens(file.fd, never), 0);
}

static void given_log(void)
{
    given_lines(LINES, 0);
}

static int sync_lines(int from, int to)
{
    return audit_rewrite_sync(&file, EVP_sha256(), &marks[from], &marks[to]);
}

static void assert_log(const char *wanted, bool written)
{
    struct stat st;
    char *content = scratch_read("log", NULL);
    assert_string_equal(content, wanted);
    free(content);
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_mtim.tv_sec != 0, written);
    close(file.fd);
}

static void what_has_not_failed_is_not_written_again(void **state)
{
    (void)state;
    given_log();
    assert_int_equal(sync_lines(1, LINES), 0);
    assert_log(text, false);
}

static void what_has_failed_is_written_again_in_its_place(void **state)
{
    (void)state;
    for (int from = 0; from < LINES; from++)
        for (int to = from + 1; to <= LINES; to++) {
            given_log();
            file.unsure = true;
            assert_int_equal(sync_lines(from, to), 0);
            assert_false(file.unsure);
            assert_log(text, true);
        }
}

static void nothing_to_write(void **state)
{
    (void)state;
    given_log();
    file.unsure = true;
    assert_int_equal(sync_lines(LINES, LINES), 0);
    assert_false(file.unsure);
    assert_log(text, false);
}

/* Whichever byte of them has another value now. */
static void lines_that_are_lost_are_not_written(void **state)
{
    (void)state;
    given_log();
    off_t start = marks[1].end, end = marks[3].end;
    close(file.fd);
    for (off_t i = start; i < end; i++) {
        given_log();
        text[i] ^= 1;
        scratch_write("log", text);
        file.unsure = true;
        assert_int_equal(sync_lines(1, 3), -EBADMSG);
        assert_true(file.unsure);
        assert_int_equal(sync_lines(1, 3), -EBADMSG);
        close(file.fd);
    }
}

static void a_log_that_is_too_short(void **state)
{
    (void)state;
    given_log();
    file.unsure = true;
    assert_int_equal(ftruncate(file.fd, marks[3].end), 0);
    assert_int_equal(sync_lines(1, LINES), -EBADMSG);
    assert_int_equal(sync_lines(1, 3), 0);
    close(file.fd);
}

/* After weeks in which the state could not be written, say. */
static void more_lines_than_there_is_memory_for(void **state)
{
    const int more = (int)AUDIT_LINE_MAX - 200;
    (void)state;
    given_lines(MANY, more);
    file.unsure = true;
    longest_read = 0;
    assert_int_equal(sync_lines(1, MANY), 0);
    assert_in_range(longest_read, 1, sizeof text / 4);
    assert_log(text, true);
    for (int i = 2; i <= MANY; i += 12) {
        given_lines(MANY, more);
        text[marks[i].end - 100] ^= 1;
        scratch_write("log", text);
        file.unsure = true;
        assert_int_equal(sync_lines(1, MANY), -EBADMSG);
        close(file.fd);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_has_not_failed_is_not_written_again),
        test(what_has_failed_is_written_again_in_its_place),
        test(nothing_to_write),
        test(lines_that_are_lost_are_not_written),
        test(a_log_that_is_too_short),
        test(more_lines_than_there_is_memory_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
