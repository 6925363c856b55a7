/* Tests of new files for the audit log: names, chains, and what a crash leaves behind. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_rotate.h"
#include "agent/audit_internal.h"

#include "tests/unit/audit_given.h"
#include "tests/unit/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <jansson.h>
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

/* The state that is on disk: what the file held when it was synced last. */
static char state_on_disk[200];

int fdatasync(int fd)
{
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, AUDIT_STATE_FILE)) {
        ssize_t n = pread(fd, state_on_disk, sizeof state_on_disk - 1, 0);
        state_on_disk[n > 0 ? n : 0] = '\0';
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* As of a disk that is full when it has to keep the new file's line. */
static bool no_new_files;

int fsync(int fd)
{
    errno = ENOSPC;
    return no_new_files ? -1 : (int)syscall(SYS_fsync, fd);
}

/* As where the log's group is none of the agent's. */
static bool no_other_group;

int fchown(int fd, uid_t uid, gid_t gid)
{
    errno = EPERM;
    return no_other_group ? -1 : (int)syscall(SYS_fchown, fd, uid, gid);
}

static void open_log(enum conf_sync sync)
{
    audit_given_open(sync);
    assert_false(audit->has_gap);
}

static void write_records(int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(audit_given_write(), 0);
}

/* The first line's member, in a file of that name. */
static void assert_first(const char *file, const char *name, const char *wanted)
{
    char *text = scratch_read(file, NULL);
    *strchr(text, '\n') = '\0';
    json_t *record = json_loads(text, 0, NULL), *value = json_object_get(record, name);
    char *got = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(got ? got : "", wanted);
    free(got);
    json_decref(record);
    free(text);
}

/* The name of the one file that begins with "log.2". */
static const char *aside(void)
{
    static char name[300];
    DIR *folder = opendir(scratch_path("."));
    const struct dirent *entry;
    name[0] = '\0';
    while ((entry = readdir(folder)))
        if (strncmp(entry->d_name, "log.2", 5) == 0)
            snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(folder);
    assert_int_equal(strlen(name), strlen("log.20260131T000000Z"));
    return name;
}

static void the_chain_goes_on(void **state)
{
    struct stat st;
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        open_log(sync);
        write_records(3);
        chmod(scratch_path("log"), 0604);
        assert_int_equal(audit_rotate(audit), 0);
        write_records(1);
        char quoted_name[320];
        snprintf(quoted_name, sizeof quoted_name, "\"%s\"", aside());
        assert_first("log", "previous", quoted_name);
        assert_first("log", "seq", "4");
        assert_first(aside(), "seq", "1");
        assert_int_equal(stat(scratch_path("log"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0604);
        audit_given_close();
        open_log(sync);
        write_records(1);
        audit_given_close();
        unlink(scratch_path(aside()));
        unlink(scratch_path("log"));
        unlink(scratch_path(AUDIT_STATE_FILE));
    }
}

static mode_t mode_of_new_log(gid_t group)
{
    struct stat st;
    assert_int_equal(chown(scratch_path("log"), (uid_t)-1, group), 0);
    assert_int_equal(chmod(scratch_path("log"), 0664), 0);
    assert_int_equal(audit_rotate(audit), 0);
    assert_int_equal(stat(scratch_path("log"), &st), 0);
    return st.st_mode & 0777;
}

/* The new file is not for the group that it gets instead: callers are often in it. */
static void a_group_that_cannot_be_given(void **state)
{
    const gid_t another = getegid() + 1;
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    no_other_group = true;
    assert_int_equal(mode_of_new_log(getegid()), 0664);
    if (geteuid() != 0)
        skip();
    assert_int_equal(mode_of_new_log(another), 0604);
    no_other_group = false;
    assert_int_equal(mode_of_new_log(another), 0664);
}

/* Never over an existing file: also not within one second. */
static void names_that_are_taken(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(audit_rotate(audit), 0);
    size_t files = 0;
    DIR *folder = opendir(scratch_path("."));
    const struct dirent *entry;
    while ((entry = readdir(folder)))
        files += strncmp(entry->d_name, "log.2", 5) == 0;
    closedir(folder);
    assert_int_equal(files, 3);
}

/* As logrotate does it. */
static void a_file_that_was_moved_already(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(2);
    assert_int_equal(rename(scratch_path("log"), scratch_path("log-20260131")), 0);
    write_records(1);
    assert_int_equal(audit_rotate(audit), 0);
    assert_first("log", "previous", "\"log-20260131\"");
    assert_first("log", "seq", "4");
    audit_given_close();
    open_log(CONF_SYNC_ALWAYS);
}

static void what_cannot_be_put_aside(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(1);
    assert_int_equal(rename(scratch_path("log"), scratch_path("elsewhere")), 0);
    scratch_write("log", "somebody's");
    assert_int_equal(audit_rotate(audit), -EEXIST);
    char *text = scratch_read("log", NULL);
    assert_string_equal(text, "somebody's");
    free(text);
    unlink(scratch_path("log"));
    scratch_write("log.new", "somebody's");
    assert_int_equal(audit_rotate(audit), -EEXIST);
    text = scratch_read("log.new", NULL);
    assert_string_equal(text, "somebody's");
    free(text);
    unlink(scratch_path("log.new"));
    unlink(scratch_path("elsewhere"));
    assert_int_equal(audit_rotate(audit), -ENOENT); /* removed */
    assert_int_equal(access(scratch_path("log.new"), F_OK), -1);
}

static void append(struct audit_batch *batch)
{
    int64_t id;
    text_clear(&batch->decision);
    audit_record_begin(&batch->decision, "stop");
    assert_int_equal(audit_append_members(audit, batch, &id), 0);
}

static void fail_to_rotate(void)
{
    no_new_files = true;
    assert_int_equal(audit_rotate(audit), -ENOSPC);
    no_new_files = false;
}

/* A disk that is full at that moment: the old file goes on, and nothing is left of the new one. */
static void a_disk_that_is_full(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(3);
    scratch_limit(150); /* enough for the state */
    int r = audit_rotate(audit);
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(r, -EFBIG);
    assert_int_equal(access(scratch_path("log.new"), F_OK), -1);
    write_records(1);
    assert_int_equal(audit_rotate(audit), 0);
    assert_first("log", "seq", "5");
}

/* The old file goes on with what a worker had appended, and with what he appends then. */
static void a_batch_meanwhile(void **state)
{
    struct audit_batch batch = {0};
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    append(&batch);
    fail_to_rotate();
    append(&batch);
    assert_int_equal(audit_commit(audit, &batch), 0);
    append(&batch);
    fail_to_rotate();
    fail_to_rotate();
    assert_int_equal(audit_commit(audit, &batch), 0);
    audit_batch_free(&batch);
    char *text = scratch_read("log", NULL);
    assert_non_null(strstr(text, "{\"seq\":3,"));
    assert_null(strstr(text, "{\"seq\":4,"));
    free(text);
}

/* The states that a crash can leave, each made by hand from a log that was rotated whole. */
static void what_a_crash_leaves(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(3);
    char *before = scratch_read(AUDIT_STATE_FILE, NULL);
    assert_int_equal(audit_rotate(audit), 0);
    audit_given_close();
    char old[300];
    snprintf(old, sizeof old, "%s", aside());
    char *new = scratch_read("log", NULL);

    scratch_write(AUDIT_STATE_FILE, before); /* before the state was written */
    open_log(CONF_SYNC_ALWAYS);
    audit_given_close();

    scratch_write(AUDIT_STATE_FILE, before); /* before the new file got the path */
    assert_int_equal(rename(scratch_path("log"), scratch_path("log.new")), 0);
    open_log(CONF_SYNC_ALWAYS);
    assert_first("log", "seq", "4");
    audit_given_close();

    scratch_write(AUDIT_STATE_FILE, before); /* before the old file was renamed */
    assert_int_equal(rename(scratch_path(old), scratch_path("log")), 0);
    scratch_write("log.new", new);
    open_log(CONF_SYNC_ALWAYS);
    assert_int_equal(access(scratch_path("log.new"), F_OK), -1);
    assert_first("log", "seq", "1");
    audit_given_close();

    new[10] = '\0'; /* before the first line was whole */
    scratch_write("log.new", new);
    open_log(CONF_SYNC_ALWAYS);
    write_records(1);
    assert_int_equal(access(scratch_path("log.new"), F_OK), -1);
    assert_first("log", "seq", "1");
    free(before);
    free(new);
}

/* Somebody has cut off lines: a new file would hide it, and all would go on. */
static void a_log_that_was_cut(void **state)
{
    struct text members = {0};
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(3);
    char *whole = scratch_read("log", NULL);
    assert_int_equal(truncate(scratch_path("log"), 10), 0);
    assert_int_equal(audit_rotate(audit), -ESTALE);
    audit_record_begin(&members, "stop");
    assert_true(audit_write(audit, &members) < 0);
    text_free(&members);
    assert_int_equal(access(scratch_path("log.new"), F_OK), -1);
    scratch_write("log", whole);
    assert_int_equal(audit_rotate(audit), 0);
    assert_first("log", "seq", "4");
    free(whole);
}

/* A write that failed, and could not be taken back. */
static void a_log_with_a_torn_line(void **state)
{
    (void)state;
    open_log(CONF_SYNC_ALWAYS);
    write_records(1);
    char *whole = scratch_read("log", NULL);
    FILE *file = fopen(scratch_path("log"), "a");
    assert_non_null(file);
    fputs("{\"seq\":2,", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(audit_rotate(audit), 0);
    char *old = scratch_read(aside(), NULL);
    assert_string_equal(old, whole);
    free(old);
    free(whole);
}

/* With records that were committed since the last tick, before the rotation and after it: no line
 * is missing, and what follows the new file's first line goes on. */
static void a_machine_that_crashes(void **state)
{
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        open_log(sync);
        write_records(2);
        audit_tick(audit);
        write_records(1);
        assert_int_equal(audit_rotate(audit), 0);
        write_records(2);
        char found[sizeof state_on_disk];
        strcpy(found, state_on_disk);
        audit_given_close();
        scratch_write(AUDIT_STATE_FILE, found);
        open_log(sync);
        write_records(1);
        audit_given_close();
        unlink(scratch_path(aside()));
        unlink(scratch_path("log"));
        unlink(scratch_path(AUDIT_STATE_FILE));
    }
}

/* A file that begins with a rotation, but a later one than the state knows. */
static void a_file_between_is_missing(void **state)
{
    char error[CONF_ERROR_MAX];
    (void)state;
    for (int known = 0; known <= 2; known += 2) {
        open_log(CONF_SYNC_ALWAYS);
        write_records(known);
        char *before = scratch_read(AUDIT_STATE_FILE, NULL);
        write_records(1);
        assert_int_equal(audit_rotate(audit), 0);
        write_records(2);
        audit_given_close();
        scratch_write(AUDIT_STATE_FILE, before);
        free(before);
        struct audit_options options = audit_given_options(CONF_SYNC_ALWAYS);
        assert_int_equal(audit_open(&options, &audit, error), 0);
        assert_true(audit->has_gap);
        audit_given_close();
        options.accept_gap = true;
        assert_int_equal(audit_open(&options, &audit, error), 0);
        write_records(1);
        audit_given_close();
        unlink(scratch_path(aside()));
        unlink(scratch_path("log"));
        unlink(scratch_path(AUDIT_STATE_FILE));
    }
}

static int end_test(void **state)
{
    no_other_group = false;
    audit_given_close();
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_chain_goes_on),        test(a_group_that_cannot_be_given),
        test(names_that_are_taken),     test(a_file_that_was_moved_already),
        test(what_cannot_be_put_aside), test(a_disk_that_is_full),
        test(a_batch_meanwhile),        test(what_a_crash_leaves),
        test(a_machine_that_crashes),   test(a_file_between_is_missing),
        test(a_log_that_was_cut),       test(a_log_with_a_torn_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
