/* Tests of an audit log on a disk that does not keep what it was given: what was lost is written
 * again, also by the next start. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_internal.h"
#include "agent/refusal.h"

#include "tests/unit/audit_given.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define QUIET_MS 100 /* in which what must not happen would happen */

/* As Linux has it: a sync that fails drops what was not on disk, and the next one succeeds. */
static struct {
    ino_t log;
    atomic_bool fails;
    atomic_bool holds;     /* the next write does not return before `go_on` */
    sem_t written, go_on;  /* the one that is held */
    sem_t synced;          /* by each sync that succeeds */
    off_t on_disk;         /* so many bytes */
    off_t lost, lost_end;  /* from where to where; 0: nothing */
    atomic_uint rewritten; /* times */
    bool state_fails;
    bool state_written; /* and not synced */
    char state[200];    /* on disk */
} disk;

static bool is_state(int fd)
{
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/" AUDIT_STATE_FILE);
}

static int sync_state(int fd)
{
    bool written = disk.state_written;
    disk.state_written = false;
    if (disk.state_fails) {
        errno = EIO;
        return -1;
    }
    ssize_t n = written ? pread(fd, disk.state, sizeof disk.state - 1, 0) : 0;
    if (written)
        disk.state[n > 0 ? n : 0] = '\0';
    return 0;
}

static bool is_log(int fd)
{
    struct stat st;
    return disk.log != 0 && fstat(fd, &st) == 0 && st.st_ino == disk.log;
}

ssize_t write(int fd, const void *data, size_t length)
{
    ssize_t n = syscall(SYS_write, fd, data, length);
    if (is_log(fd) && atomic_exchange(&disk.holds, false)) {
        sem_post(&disk.written);
        while (sem_wait(&disk.go_on) < 0 && errno == EINTR)
            ;
    }
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    ssize_t n = syscall(SYS_pwrite64, fd, data, length, offset);
    if (is_state(fd))
        disk.state_written = true;
    if (!is_log(fd))
        return n;
    disk.rewritten++;
    if (offset <= disk.lost && offset + n >= disk.lost_end)
        disk.lost = disk.lost_end = 0;
    return n;
}

int fdatasync(int fd)
{
    struct stat st;
    if (is_state(fd))
        return sync_state(fd);
    if (!is_log(fd) || fstat(fd, &st) < 0)
        return (int)syscall(SYS_fdatasync, fd);
    if (!disk.fails) {
        disk.on_disk = st.st_size;
        sem_post(&disk.synced);
        return 0;
    }
    if (disk.lost_end == 0)
        disk.lost = disk.on_disk;
    disk.lost_end = st.st_size;
    errno = EIO;
    return -1;
}

static void find_log(void)
{
    struct stat st;
    disk.log = stat(scratch_path("log"), &st) == 0 ? st.st_ino : 0;
}

static void open_log(enum conf_sync sync)
{
    find_log();
    audit_given_open(sync);
    find_log();
}

static bool is_available(void)
{
    char reason[200];
    return audit_is_available(audit, reason, sizeof reason);
}

static void assert_kept(void)
{
    assert_int_equal(disk.lost_end, 0);
    assert_true(is_available());
    assert_int_equal(audit_given_write(), 0);
}

/* Two lines on disk; two were committed, and the disk has lost them. */
static void given_lost_lines(void)
{
    open_log(CONF_SYNC_INTERVAL);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(audit_given_write(), 0);
        if (i == 1)
            audit_tick(audit);
    }
    disk.fails = true;
    audit_tick(audit);
    assert_false(is_available());
    assert_true(disk.lost_end > disk.lost && disk.lost > 0);
}

static void what_was_lost_is_written_again(void **state)
{
    (void)state;
    given_lost_lines();
    disk.fails = false;
    audit_tick(audit);
    assert_kept();
}

static void the_next_start_writes_it_again(void **state)
{
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        given_lost_lines();
        audit_given_close();
        disk.fails = false;
        open_log(sync);
        assert_kept();
        audit_given_close();
    }
}

static void the_next_start_is_too_early(void **state)
{
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        given_lost_lines();
        audit_given_close();
        open_log(sync);
        assert_false(is_available());
        assert_int_equal(audit_given_write(), REFUSAL_AUDIT_UNAVAILABLE);
        disk.fails = false;
        audit_tick(audit);
        assert_kept();
        audit_given_close();
    }
}

/* Nothing was ever on disk for certain: there is no log before, or one whose state is gone. */
static void the_very_first_sync(void **state)
{
    (void)state;
    for (int before = 0; before <= 1; before++) {
        unlink(scratch_path(AUDIT_STATE_FILE));
        open_log(CONF_SYNC_INTERVAL);
        assert_int_equal(audit_given_write(), 0);
        disk.fails = true;
        audit_tick(audit);
        assert_true(disk.lost_end > 0);
        audit_given_close();
        disk.fails = false;
        open_log(CONF_SYNC_INTERVAL);
        assert_kept();
        audit_given_close();
    }
}

static void an_orderly_start_writes_nothing(void **state)
{
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        open_log(sync);
        assert_int_equal(audit_given_write(), 0);
        audit_given_close();
        open_log(sync);
        assert_kept();
        audit_given_close();
    }
    assert_int_equal(disk.rewritten, 0);
}

/* The state is that of the file before. */
static void nor_does_one_after_a_rotation(void **state)
{
    (void)state;
    open_log(CONF_SYNC_INTERVAL);
    assert_int_equal(audit_given_write(), 0);
    audit_tick(audit);
    char *before = scratch_read(AUDIT_STATE_FILE, NULL);
    assert_int_equal(audit_rotate(audit), 0);
    audit_given_close();
    scratch_write(AUDIT_STATE_FILE, before);
    free(before);
    open_log(CONF_SYNC_INTERVAL);
    assert_false(audit->has_gap);
    assert_kept();
    audit_tick(audit);
    assert_int_equal(disk.rewritten, 0);
}

static void assert_state_on_disk(void)
{
    char *state = scratch_read(AUDIT_STATE_FILE, NULL);
    assert_string_equal(state, disk.state);
    free(state);
}

/* It is only older on disk meanwhile: the log can be written. */
static void a_state_that_was_lost(void **state)
{
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        open_log(sync);
        assert_int_equal(audit_given_write(), 0);
        disk.state_fails = true;
        audit_tick(audit);
        assert_kept();
        audit_tick(audit);
        audit_tick(audit);
        disk.state_fails = false;
        audit_tick(audit);
        assert_state_on_disk();
        assert_int_equal(audit_given_write(), 0);
        disk.state_fails = true;
        assert_int_equal(audit_rotate(audit), -EIO);
        disk.state_fails = false;
        assert_int_equal(audit_rotate(audit), 0);
        audit_tick(audit);
        assert_state_on_disk();
        audit_given_close();
    }
}

static void *run_commit(void *ret_result)
{
    *(int *)ret_result = audit_given_write();
    return NULL;
}

static void *run_tick(void *unused)
{
    audit_tick(audit);
    return unused;
}

static bool syncs_soon(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += QUIET_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return sem_timedwait(&disk.synced, &until) == 0;
}

/* Written when a sync failed, and committed only later. */
static void a_commit_that_is_on_its_way(void **state)
{
    pthread_t committer, ticker;
    int result = -1;
    (void)state;
    open_log(CONF_SYNC_INTERVAL);
    assert_int_equal(audit_given_write(), 0);
    disk.holds = true;
    assert_int_equal(pthread_create(&committer, NULL, run_commit, &result), 0);
    sem_wait(&disk.written);
    disk.fails = true;
    audit_tick(audit);
    disk.fails = false;
    assert_int_equal(pthread_create(&ticker, NULL, run_tick, NULL), 0);
    bool too_early = syncs_soon();
    sem_post(&disk.go_on);
    pthread_join(committer, NULL);
    pthread_join(ticker, NULL);
    assert_false(too_early);
    assert_int_equal(result, 0);
    audit_tick(audit);
    assert_kept();
}

static int start_test(void **state)
{
    memset(&disk, 0, sizeof disk);
    sem_init(&disk.written, 0, 0);
    sem_init(&disk.go_on, 0, 0);
    sem_init(&disk.synced, 0, 0);
    return scratch_open(state);
}

static int end_test(void **state)
{
    audit_given_close();
    disk.log = 0;
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, start_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_was_lost_is_written_again),  test(the_next_start_writes_it_again),
        test(the_next_start_is_too_early),     test(the_very_first_sync),
        test(an_orderly_start_writes_nothing), test(nor_does_one_after_a_rotation),
        test(a_state_that_was_lost),           test(a_commit_that_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
