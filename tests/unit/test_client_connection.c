/* Tests of the library's connection: agents that are not there, go away, stay silent; forks. */
#include "config.h"
#include "client/connection.h"

#include "tests/unit/scripted_agent.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define STATUS                                                                                     \
    "{\"parameters\":{\"version\":\"1\",\"ready\":true,\"configuration\":1,\"tokens\":[],"         \
    "\"profiles\":[]}}"

static struct hintsign *open_handle(int timeout_ms)
{
    struct hintsign *handle;
    assert_int_equal(hintsign_open(scripted_path(), &handle), HINTSIGN_OK);
    hintsign_set_timeout(handle, timeout_ms);
    return handle;
}

static int ask(struct hintsign *handle)
{
    char *json = NULL;
    int code = hintsign_status(handle, &json);
    assert_true((code == HINTSIGN_OK) == (json != NULL));
    free(json);
    return code;
}

static void assert_fails(struct hintsign *handle, int code, const char *name, const char *part)
{
    assert_int_equal(ask(handle), code);
    const struct hintsign_error *error = hintsign_last_error(handle);
    assert_int_equal(error->code, code);
    assert_string_equal(error->name, name);
    assert_int_equal(error->retry_after_ms, -1);
    if (!strstr(error->message, part))
        fail_msg("\"%s\" lacks \"%s\"", error->message, part);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void serve_all(struct scripted_connection *connection, void *data)
{
    (void)data;
    while (scripted_read(connection))
        if (!scripted_reply(connection, STATUS))
            return;
}

static void path_is_checked(void **state)
{
    struct hintsign *handle = NULL;
    char path[200];
    (void)state;
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(hintsign_open(path, &handle), HINTSIGN_INVALID);
    assert_int_equal(hintsign_open("", &handle), HINTSIGN_INVALID);
    assert_null(handle);
    path[107] = '\0';
    assert_int_equal(hintsign_open(path, &handle), HINTSIGN_OK);
    hintsign_close(handle);
    hintsign_close(NULL);
}

static void path_comes_from_the_environment(void **state)
{
    struct hintsign *handle;
    (void)state;
    setenv("HINTSIGN_SOCKET", "/nonexistent/of-the-environment", 1);
    assert_int_equal(hintsign_open(NULL, &handle), HINTSIGN_OK);
    assert_fails(handle, HINTSIGN_UNREACHABLE, "Unreachable", "/nonexistent/of-the-environment");
    hintsign_close(handle);
    setenv("HINTSIGN_SOCKET", "", 1);
    assert_int_equal(hintsign_open(NULL, &handle), HINTSIGN_OK);
    hintsign_close(handle);
    unsetenv("HINTSIGN_SOCKET");
}

static void no_agent(void **state)
{
    struct hintsign *handle = open_handle(1000);
    (void)state;
    assert_fails(handle, HINTSIGN_UNREACHABLE, "Unreachable", strerror(ENOENT));
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
}

static void one_connection_serves_many_calls(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    struct hintsign *handle = open_handle(1000);
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
}

/* The last reply may have been a long one. */
static void idle_handle_holds_no_reply(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    struct hintsign *handle = open_handle(1000);
    (void)state;
    assert_int_equal(ask(handle), HINTSIGN_OK);
    assert_null(handle->input.data);
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

#define THREADS 4

static void *ask_often(void *data)
{
    (void)data;
    struct hintsign *handle;
    size_t failures = 0;
    if (hintsign_open(scripted_path(), &handle) < 0)
        return "no handle";
    for (int i = 0; i < 100; i++) {
        char *json = NULL;
        failures += hintsign_status(handle, &json) < 0;
        free(json);
    }
    hintsign_close(handle);
    return failures > 0 ? "a call failed" : NULL;
}

static void threads_have_handles_of_their_own(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failure;
        pthread_join(threads[i], &failure);
        assert_null(failure);
    }
    assert_int_equal(scripted_agent_stop(agent), THREADS);
}

static void agent_is_restarted(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    struct hintsign *handle = open_handle(1000);
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(handle), HINTSIGN_OK);
        assert_int_equal(scripted_agent_stop(agent), 1);
        agent = scripted_agent_start(serve_all, NULL);
    }
    assert_int_equal(ask(handle), HINTSIGN_OK);
    scripted_agent_stop(agent);
    assert_fails(handle, HINTSIGN_UNREACHABLE, "Unreachable", strerror(ENOENT));
    hintsign_close(handle);
}

/* The first `data` connections end after a request was read, with half a reply. */
static void serve_after_losses(struct scripted_connection *connection, void *data)
{
    const int *losses = data;
    if (connection->number < *losses) {
        scripted_read(connection);
        scripted_write(connection, STATUS, (size_t)connection->number * 10);
        return;
    }
    serve_all(connection, NULL);
}

static void lost_after_the_request(void **state)
{
    int losses = 1;
    struct scripted_agent *agent = scripted_agent_start(serve_after_losses, &losses);
    struct hintsign *handle = open_handle(1000);
    (void)state;
    assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 2);
}

static void lost_twice(void **state)
{
    int losses = 2;
    struct scripted_agent *agent = scripted_agent_start(serve_after_losses, &losses);
    struct hintsign *handle = open_handle(1000);
    (void)state;
    assert_fails(handle, HINTSIGN_UNREACHABLE, "Unreachable", "twice");
    assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 3);
}

/* The first connection is silent, the second answers. */
static void serve_second(struct scripted_connection *connection, void *data)
{
    if (connection->number > 0)
        serve_all(connection, data);
    else
        while (scripted_read(connection))
            ;
}

static void silence_times_out(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_second, NULL);
    struct hintsign *handle = open_handle(50);
    (void)state;
    int64_t begin = now_ms();
    assert_fails(handle, HINTSIGN_TIMEOUT, "Timeout", "50 ms");
    assert_true(now_ms() - begin >= 50);
    /* An answer that comes late can never be taken for that of another request. */
    hintsign_set_timeout(handle, 5000);
    assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 2);
}

static void serve_trickle(struct scripted_connection *connection, void *data)
{
    (void)data;
    scripted_read(connection);
    while (scripted_write(connection, " ", 1))
        ;
}

/* Bytes without an end do not count as an answer. */
static void trickle_times_out(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_trickle, NULL);
    struct hintsign *handle = open_handle(20);
    (void)state;
    assert_fails(handle, HINTSIGN_TIMEOUT, "Timeout", "20 ms");
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

/* An agent that accepts nobody: connecting itself would wait for ever. */
static void full_backlog_times_out(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, scripted_path());
    int server = socket(AF_UNIX, SOCK_STREAM, 0), others[8], count = 0;
    (void)state;
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server, 0), 0);
    int r = 0;
    while (r == 0 && count < 8) {
        others[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        r = connect(others[count++], (struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(r, -1);
    assert_int_equal(errno, EAGAIN);
    struct hintsign *handle = open_handle(50);
    assert_fails(handle, HINTSIGN_TIMEOUT, "Timeout", "50 ms");
    hintsign_close(handle);
    while (count > 0)
        close(others[--count]);
    close(server);
    unlink(address.sun_path);
}

static void on_alarm(int number)
{
    (void)number;
}

static void serve_slowly(struct scripted_connection *connection, void *data)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000000};
    (void)data;
    while (scripted_read(connection)) {
        nanosleep(&pause, NULL);
        scripted_reply(connection, STATUS);
    }
}

static void signals_do_not_disturb(void **state)
{
    /* Only this thread takes the signal; the agent's are made while it is blocked. */
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    (void)state;
    sigprocmask(SIG_BLOCK, &alarms, NULL);
    struct scripted_agent *agent = scripted_agent_start(serve_slowly, NULL);
    struct hintsign *handle = open_handle(5000);
    assert_int_equal(ask(handle), HINTSIGN_OK); /* its thread is there now */
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    int code = ask(handle);
    hintsign_set_timeout(handle, 20);
    int late = ask(handle); /* nor do they put the deadline off */
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(code, HINTSIGN_OK);
    assert_int_equal(late, HINTSIGN_TIMEOUT);
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

/* Runs `child` with the handle in a child process, whose exit status must be 0. */
static void in_child(struct hintsign *handle, int (*child)(struct hintsign *handle))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(handle));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int ask_and_close(struct hintsign *handle)
{
    char *json = NULL;
    int code = hintsign_status(handle, &json);
    free(json);
    hintsign_close(handle);
    return -code;
}

static int close_only(struct hintsign *handle)
{
    hintsign_close(handle);
    return 0;
}

static void fork_makes_a_connection_of_its_own(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_all, NULL);
    struct hintsign *handle = open_handle(5000);
    (void)state;
    assert_int_equal(ask(handle), HINTSIGN_OK);
    in_child(handle, ask_and_close);
    in_child(handle, close_only);
    assert_int_equal(ask(handle), HINTSIGN_OK);
    in_child(handle, ask_and_close);
    assert_int_equal(ask(handle), HINTSIGN_OK);
    hintsign_close(handle);
    /* The parent's one, and one for each child that asked. */
    assert_int_equal(scripted_agent_stop(agent), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_checked),
        cmocka_unit_test(path_comes_from_the_environment),
        cmocka_unit_test(no_agent),
        cmocka_unit_test(one_connection_serves_many_calls),
        cmocka_unit_test(idle_handle_holds_no_reply),
        cmocka_unit_test(threads_have_handles_of_their_own),
        cmocka_unit_test(agent_is_restarted),
        cmocka_unit_test(lost_after_the_request),
        cmocka_unit_test(lost_twice),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(trickle_times_out),
        cmocka_unit_test(full_backlog_times_out),
        cmocka_unit_test(signals_do_not_disturb),
        cmocka_unit_test(fork_makes_a_connection_of_its_own),
    };
    return cmocka_run_group_tests_name("client connection", tests, NULL, scripted_remove);
}
