/* Tests of how the audit log is taken up again: its end, its state, and lines that are missing. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_internal.h"
#include "agent/refusal.h"

#include "tests/unit/audit_given.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static char error[CONF_ERROR_MAX];

static int open_log(bool accept_gap)
{
    struct audit_options options = audit_given_options(CONF_SYNC_ALWAYS);
    options.accept_gap = accept_gap;
    error[0] = '\0';
    audit = NULL;
    return audit_open(&options, &audit, error);
}

/* A log of `count` lines that was closed in an orderly way. */
static void given_log(int count)
{
    assert_int_equal(open_log(false), 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(audit_given_write(), 0);
    audit_given_close();
}

static char *end_of_line(char *text, int line)
{
    while (line-- > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

/* Cuts the log back to so many lines and some bytes. */
static void cut(int lines, long more)
{
    char *text = scratch_read("log", NULL);
    off_t end = end_of_line(text, lines) - text + more;
    free(text);
    assert_int_equal(truncate(scratch_path("log"), end), 0);
}

static void append_text(const char *text)
{
    FILE *file = fopen(scratch_path("log"), "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The last line's member. */
static void assert_last(const char *name, const char *wanted)
{
    char *text = scratch_read("log", NULL), *last = text, *next;
    while ((next = strchr(last, '\n')) && next[1])
        last = next + 1;
    json_t *record = json_loadb(last, strlen(last) - 1, 0, NULL);
    json_t *value = json_object_get(record, name);
    char *got = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), *quotes = quoted(wanted);
    assert_string_equal(got ? got : "", quotes);
    free(quotes);
    free(got);
    json_decref(record);
    free(text);
}

static void assert_not_opened(const char *why)
{
    char wanted[CONF_ERROR_MAX];
    const char *path = scratch_path("log");
    assert_int_equal(open_log(false), -1);
    snprintf(wanted, sizeof wanted, "%s: %s", path, why);
    assert_string_equal(error, wanted);
    assert_null(audit);
}

static void what_is_no_audit_log(void **state)
{
    static const char *const texts[] = {"hello",
                                        "hello\n",
                                        "{}\n",
                                        "{\"seq\":\"1\"}\n",
                                        "{\"seq\":0}\n",
                                        "{\"seq\":-1}\n",
                                        "{\"seq\":1,\"seq\":2}\n",
                                        "{\"seq\":1}\n\n",
                                        "\n",
                                        "[1]\n",
                                        "{\"seq\":1}x\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scratch_write("log", texts[i]);
        assert_not_opened("the last line is no audit record");
        char *text = scratch_read("log", NULL);
        assert_string_equal(text, texts[i]);
        free(text);
    }
    unlink(scratch_path("log"));
    scratch_folder("log");
    assert_not_opened("Is a directory");
}

static void what_is_no_state(void **state)
{
    static const char *const texts[] = {"x", "1 2 3\n", "\n"};
    char wanted[CONF_ERROR_MAX];
    (void)state;
    snprintf(wanted, sizeof wanted, "state_dir: %s/" AUDIT_STATE_FILE ": %s", scratch_path("."),
             "was not written by hintsign-agent");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scratch_write(AUDIT_STATE_FILE, texts[i]);
        assert_int_equal(open_log(false), -1);
        assert_string_equal(error, wanted);
    }
}

/* Without one the next start could not know what the disk has lost. */
static void a_state_that_cannot_be_begun(void **state)
{
    char wanted[CONF_ERROR_MAX];
    struct rlimit before;
    (void)state;
    snprintf(wanted, sizeof wanted, "state_dir: %s/" AUDIT_STATE_FILE ": File too large",
             scratch_path("."));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int r = open_log(false);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -1);
    assert_string_equal(error, wanted);
    assert_int_equal(open_log(false), 0);
    assert_int_equal(audit_given_write(), 0);
}

static void a_torn_line_is_dropped(void **state)
{
    (void)state;
    given_log(2);
    append_text("{\"seq\":3");
    assert_int_equal(open_log(false), 0);
    assert_last("type", "'torn'");
    assert_last("bytes", "8");
    assert_last("seq", "3");
    assert_int_equal(audit_given_write(), 0);
    assert_last("seq", "4");
}

static void assert_behind(void)
{
    char reason[200];
    size_t before, after;
    free(scratch_read("log", &before));
    assert_int_equal(open_log(false), 0);
    assert_true(audit->has_gap);
    assert_false(audit_is_available(audit, reason, sizeof reason));
    assert_int_equal(audit_given_write(), REFUSAL_AUDIT_UNAVAILABLE);
    audit_tick(audit);
    assert_true(audit_rotate(audit) < 0);
    audit_given_close();
    free(scratch_read("log", &after));
    assert_int_equal(before, after);
}

static void assert_whole(void)
{
    char reason[200];
    assert_int_equal(open_log(false), 0);
    assert_false(audit->has_gap);
    assert_true(audit_is_available(audit, reason, sizeof reason));
    audit_given_close();
}

static void lines_that_are_missing(void **state)
{
    char *text;
    (void)state;
    given_log(3);
    text = scratch_read("log", NULL);
    cut(2, 0);
    assert_behind();
    scratch_write("log", text);
    assert_whole();
    scratch_write("log", "");
    assert_behind();
    unlink(scratch_path("log"));
    assert_int_equal(open_log(false), 0);
    assert_true(audit->has_gap);
    audit_given_close();
    scratch_write("log", text);
    assert_whole();
    free(text);
}

/* Of the same length, but with other bytes: in the last line that is known, and in one before. */
static void a_line_that_was_changed(void **state)
{
    (void)state;
    given_log(3);
    char *text = scratch_read("log", NULL);
    char *prev = strstr(end_of_line(text, 2), "\"prev\":\"");
    prev[8] = prev[8] == '0' ? '1' : '0';
    scratch_write("log", text);
    assert_behind();
    free(text);
}

/* Whoever cuts the log and lets an agent with another state go on. */
static void a_log_that_grew_again(void **state)
{
    (void)state;
    given_log(3);
    char *known = scratch_read(AUDIT_STATE_FILE, NULL);
    cut(1, 0);
    unlink(scratch_path(AUDIT_STATE_FILE));
    given_log(5);
    scratch_write(AUDIT_STATE_FILE, known);
    assert_behind();
    free(known);
}

/* As after a crash: the state was not written with the last commits. */
static void a_state_that_is_older(void **state)
{
    (void)state;
    given_log(2);
    char *known = scratch_read(AUDIT_STATE_FILE, NULL);
    given_log(40);
    scratch_write(AUDIT_STATE_FILE, known);
    assert_whole();
    unlink(scratch_path(AUDIT_STATE_FILE));
    assert_whole();
    free(known);
}

/* ... and what stands behind the line that it knows is not what was written there. */
static void a_line_behind_the_state_that_was_changed(void **state)
{
    char reason[200];
    (void)state;
    given_log(2);
    char *known = scratch_read(AUDIT_STATE_FILE, NULL);
    given_log(3);
    char *text = scratch_read("log", NULL);
    memcpy(strstr(end_of_line(text, 3), "stop"), "pots", 4);
    scratch_write("log", text);
    scratch_write(AUDIT_STATE_FILE, known);
    assert_int_equal(open_log(false), 0);
    assert_false(audit_is_available(audit, reason, sizeof reason));
    assert_int_equal(audit_given_write(), REFUSAL_AUDIT_UNAVAILABLE);
    audit_tick(audit);
    assert_int_equal(audit_given_write(), REFUSAL_AUDIT_UNAVAILABLE);
    free(text);
    free(known);
}

static void a_gap_that_is_accepted(void **state)
{
    (void)state;
    given_log(5);
    cut(2, 3);
    assert_behind();
    assert_int_equal(open_log(true), 0);
    assert_last("type", "'torn'");
    assert_last("seq", "4");
    cut(3, 0);
    assert_last("type", "'gap'");
    assert_last("expected_seq", "5");
    assert_last("found_seq", "2");
    audit_given_close();
    cut(2, 0);
    assert_int_equal(open_log(true), 0);
    assert_last("type", "'gap'");
    assert_last("expected_seq", "4");
    assert_int_equal(audit_given_write(), 0);
    audit_given_close();
    assert_whole();
}

/* The option says nothing where nothing is missing. */
static void no_gap_to_accept(void **state)
{
    (void)state;
    given_log(2);
    assert_int_equal(open_log(true), 0);
    assert_last("type", "'stop'");
    assert_last("seq", "2");
}

static int end_test(void **state)
{
    audit_given_close();
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_no_audit_log),
        test(what_is_no_state),
        test(a_state_that_cannot_be_begun),
        test(a_torn_line_is_dropped),
        test(lines_that_are_missing),
        test(a_line_that_was_changed),
        test(a_log_that_grew_again),
        test(a_state_that_is_older),
        test(a_line_behind_the_state_that_was_changed),
        test(a_gap_that_is_accepted),
        test(no_gap_to_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
