/* Tests of listening sockets: their mode and group, and what may lie at their path. */
#include "config.h"
#include "agent/listener.h"

#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static char path[256];
static struct conf_listener listener;
static struct activation none;
static struct listener opened;
static char error[CONF_ERROR_MAX];

static int open_folder(void **state)
{
    int r = scratch_open(state);
    snprintf(path, sizeof path, "%s", scratch_path("a.sock"));
    listener = (struct conf_listener){.name = "default", .path = path, .mode = 0660};
    error[0] = '\0';
    return r;
}

/* Also behind a test that was interrupted as somebody else. */
static int close_folder(void **state)
{
    return seteuid(getuid()) == 0 ? scratch_close(state) : -1;
}

static struct sockaddr_un address(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, strlen(path));
    return un;
}

/* A socket of that type at the path, listening where `backlog` says so. */
static int bind_other(int type, int backlog)
{
    struct sockaddr_un un = address();
    unlink(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static int connect_to(void)
{
    struct sockaddr_un un = address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = connect(fd, (struct sockaddr *)&un, sizeof un);
    if (r < 0)
        close(fd);
    return r < 0 ? -1 : fd;
}

static void assert_listens(mode_t mode, gid_t group)
{
    struct stat st;
    mode_t mask = umask(0177);
    int r = listener_open(&listener, &none, &opened, error);
    assert_int_equal(umask(mask), 0177); /* left as it was */
    assert_string_equal(error, "");
    assert_int_equal(r, 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, mode);
    assert_int_equal(st.st_gid, group);
    int client = connect_to();
    assert_true(client >= 0);
    int served = accept(opened.fd, NULL, NULL);
    assert_true(served >= 0);
    assert_int_equal(accept(opened.fd, NULL, NULL), -1); /* at once: it does not block */
    close(served);
    close(client);
    listener_close(&opened);
    assert_int_equal(lstat(path, &st), -1);
}

static void assert_refused(const char *what)
{
    char wanted[CONF_ERROR_MAX];
    struct stat before, after;
    assert_int_equal(lstat(path, &before), 0);
    assert_int_equal(listener_open(&listener, &none, &opened, error), -1);
    snprintf(wanted, sizeof wanted, "listener default: %s: %s", path, what);
    assert_string_equal(error, wanted);
    assert_int_equal(lstat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void modes(void **state)
{
    static const mode_t values[] = {0660, 0600, 0666, 0777};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        listener.mode = values[i];
        assert_listens(values[i], getegid());
    }
}

static void groups_as_root(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    listener.has_group = true;
    listener.group = 4711;
    assert_listens(0660, 4711);
}

static void what_was_left_behind_is_replaced(void **state)
{
    (void)state;
    close(bind_other(SOCK_STREAM, 1));
    assert_listens(0660, getegid());
    close(bind_other(SOCK_STREAM, -1));
    assert_listens(0660, getegid());
    close(bind_other(SOCK_DGRAM, -1));
    assert_listens(0660, getegid());
}

static void another_agent_is_left_alone(void **state)
{
    (void)state;
    int fd = bind_other(SOCK_STREAM, 1);
    assert_refused("in use, or not a socket");
    close(fd);
}

/* With a queue so full that one cannot even connect. */
static void a_busy_agent_is_left_alone(void **state)
{
    int clients[8], count = 0;
    (void)state;
    int fd = bind_other(SOCK_STREAM, 0);
    while (count < 8 && (clients[count] = connect_to()) >= 0)
        count++;
    assert_in_range(count, 1, 7);
    assert_refused("in use, or not a socket");
    while (count > 0)
        close(clients[--count]);
    close(fd);
}

/* A socket that takes no streams is somebody's nevertheless. */
static void other_sockets_are_left_alone(void **state)
{
    (void)state;
    int fd = bind_other(SOCK_DGRAM, -1);
    assert_refused("in use, or not a socket");
    close(fd);
    fd = bind_other(SOCK_SEQPACKET, 1);
    assert_refused("in use, or not a socket");
    close(fd);
}

static void what_is_no_socket(void **state)
{
    (void)state;
    scratch_write("a.sock", "precious");
    assert_refused("in use, or not a socket");
    unlink(path);
    scratch_folder("a.sock");
    assert_refused("in use, or not a socket");
    rmdir(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_refused("in use, or not a socket");
}

/* A socket that we may not connect to may be in use as well. */
static void forbidden_sockets_as_root(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    int fd = bind_other(SOCK_STREAM, 1);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(scratch_path(""), 0777), 0);
    assert_int_equal(seteuid(1234), 0);
    assert_refused("in use, or not a socket");
    assert_int_equal(seteuid(0), 0);
    close(fd);
}

/* A start that fails leaves no file. */
static void nothing_stays_as_root(void **state)
{
    struct stat st;
    (void)state;
    if (geteuid() != 0)
        skip();
    listener.has_group = true;
    listener.group = 4711;
    assert_int_equal(chmod(scratch_path(""), 0777), 0);
    assert_int_equal(seteuid(1234), 0);
    /* It may not give the group. */
    assert_int_equal(listener_open(&listener, &none, &opened, error), -1);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(lstat(path, &st), -1);
}

/* The socket of the agent that came after us is not ours to remove. */
static void only_the_own_file_is_removed(void **state)
{
    struct stat st;
    (void)state;
    assert_int_equal(listener_open(&listener, &none, &opened, error), 0);
    int fd = bind_other(SOCK_STREAM, 1);
    listener_close(&opened);
    assert_int_equal(lstat(path, &st), 0);
    close(fd);
}

static void a_socket_of_the_service_manager(void **state)
{
    struct stat before, after;
    (void)state;
    int fd = bind_other(SOCK_STREAM, 1);
    struct activation activation = {.sockets = {{"other", -1}, {"default", fd}}, .count = 2};
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(lstat(path, &before), 0);
    assert_int_equal(listener_open(&listener, &activation, &opened, error), 0);
    assert_int_equal(opened.fd, fd);
    assert_ptr_equal(opened.conf, &listener);
    listener_close(&opened);
    assert_int_equal(lstat(path, &after), 0); /* neither changed nor removed */
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_ino, before.st_ino);
}

static atomic_bool done;

/* As a module's threads do. Returns NULL when every file got the mode that was asked for. */
static void *create_files(void *name)
{
    struct stat st = {.st_mode = 0600};
    while (!atomic_load(&done) && (st.st_mode & 07777) == 0600) {
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        fstat(fd, &st);
        close(fd);
        unlink(name);
    }
    return (st.st_mode & 07777) == 0600 ? NULL : name;
}

/* Nobody may connect before the mode is right. Returns NULL when no other mode was seen. */
static void *look_at_modes(void *name)
{
    struct stat st;
    mode_t mode = 0;
    while (!atomic_load(&done) && (mode == 0 || mode == listener.mode))
        mode = lstat(name, &st) == 0 ? st.st_mode & 07777 : 0;
    return mode == 0 || mode == listener.mode ? NULL : name;
}

/* While listeners are opened again and again, somebody watches. */
static void assert_nothing_wrong(void *(*watch)(void *name), const char *file)
{
    char name[256];
    pthread_t thread;
    void *wrong;
    snprintf(name, sizeof name, "%s", scratch_path(file));
    atomic_store(&done, false);
    assert_int_equal(pthread_create(&thread, NULL, watch, name), 0);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(listener_open(&listener, &none, &opened, error), 0);
        listener_close(&opened);
    }
    atomic_store(&done, true);
    pthread_join(thread, &wrong);
    assert_null(wrong);
}

static void others_create_files_meanwhile(void **state)
{
    (void)state;
    assert_nothing_wrong(create_files, "file");
}

static void appears_closed(void **state)
{
    (void)state;
    assert_nothing_wrong(look_at_modes, "a.sock");
}

static void no_folder(void **state)
{
    char wanted[CONF_ERROR_MAX];
    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path("missing/a.sock"));
    assert_int_equal(listener_open(&listener, &none, &opened, error), -1);
    snprintf(wanted, sizeof wanted, "listener default: %s: No such file or directory", path);
    assert_string_equal(error, wanted);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(modes),
        test(groups_as_root),
        test(what_was_left_behind_is_replaced),
        test(another_agent_is_left_alone),
        test(a_busy_agent_is_left_alone),
        test(other_sockets_are_left_alone),
        test(what_is_no_socket),
        test(forbidden_sockets_as_root),
        test(nothing_stays_as_root),
        test(only_the_own_file_is_removed),
        test(a_socket_of_the_service_manager),
        test(others_create_files_meanwhile),
        test(appears_closed),
        test(no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
