/* Tests of the sockets that a service manager passes: which are taken, and under which names. */
#include "config.h"
#include "agent/activation.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char error[CONF_ERROR_MAX];
static struct activation activation;
static const struct conf conf = {
    .listeners = {{.name = (char[]){"default"}}, {.name = (char[]){"shop"}}}, .listener_count = 2};

/* Puts listening sockets at the descriptors from 3, as after an execve by the service manager. */
static void pass(int count, const char *names)
{
    char text[16];
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr address = {.sa_family = AF_UNIX};
        bind(fd, &address, sizeof(sa_family_t)); /* an abstract name that the kernel chooses */
        listen(fd, 1);
        if (fd != 3 + i && (dup2(fd, 3 + i) < 0 || close(fd) < 0))
            abort();
    }
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%d", count);
    setenv("LISTEN_FDS", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

static int environment_is_clean(void)
{
    return !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES");
}

/* Each runs in a process of its own, which may close whatever lies at the descriptors from 3. It
 * returns 0 when all is as it should be, and otherwise the line. */
#define check(condition)                                                                           \
    do                                                                                             \
        if (!(condition))                                                                          \
            return __LINE__ & 0xff;                                                                \
    while (0)

static int none(void)
{
    check(activation_take(&conf, &activation, error) == 0);
    check(activation.count == 0);
    check(activation_find(&activation, "default") == -1);
    return 0;
}

static int by_name(void)
{
    pass(2, "shop:default");
    check(activation_take(&conf, &activation, error) == 0);
    check(environment_is_clean());
    check(activation_find(&activation, "other") == -1);
    check(activation_find(&activation, "default") == 4);
    check(activation_find(&activation, "default") == -1);
    check(activation_find(&activation, "shop") == 3);
    for (int fd = 3; fd < 5; fd++) {
        check(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        check(fcntl(fd, F_GETFL) & O_NONBLOCK);
    }
    return 0;
}

static int bad_names(void)
{
    pass(2, "default:nobodys");
    check(activation_take(&conf, &activation, error) == -1);
    check(strcmp(error, "socket nobodys of the service manager: no listener has that name") == 0);
    pass(2, "default:default");
    check(activation_take(&conf, &activation, error) == -1);
    check(strcmp(error, "socket default of the service manager: another one has that name") == 0);
    pass(2, "default");
    check(activation_take(&conf, &activation, error) == -1);
    check(strcmp(error, "socket  of the service manager: no listener has that name") == 0);
    check(environment_is_clean());
    return 0;
}

static int of_another_process(void)
{
    pass(1, "default");
    setenv("LISTEN_PID", "1", 1);
    check(activation_take(&conf, &activation, error) == 0);
    check(environment_is_clean());
    check(activation.count == 0);
    check(fcntl(3, F_GETFD) == 0); /* left alone */
    return 0;
}

static int not_a_number(void)
{
    pass(1, "default");
    setenv("LISTEN_FDS", "1x", 1);
    check(activation_take(&conf, &activation, error) == 0);
    check(activation.count == 0);
    return 0;
}

static int too_many(void)
{
    pass(ACTIVATION_MAX + 1, NULL);
    check(activation_take(&conf, &activation, error) == -1);
    check(environment_is_clean());
    check(strcmp(error, "more than 16 sockets of the service manager") == 0);
    return 0;
}

/* With this in the place of a listening socket; -1: nothing. */
static int refused(int other)
{
    int fd = other < 0 ? -1 : fcntl(other, F_DUPFD, 10);
    pass(1, "default");
    check(fd < 0 ? close(3) == 0 : dup2(fd, 3) == 3);
    check(activation_take(&conf, &activation, error) == -1);
    check(strcmp(error, "socket default of the service manager: not a listening Unix stream "
                        "socket") == 0);
    return 0;
}

static int no_listener(void)
{
    check(refused(-1) == 0);
    check(refused(open("/dev/null", O_RDWR)) == 0);
    check(refused(socket(AF_UNIX, SOCK_STREAM, 0)) == 0);
    check(refused(socket(AF_UNIX, SOCK_DGRAM, 0)) == 0);
    int internet = socket(AF_INET, SOCK_STREAM, 0);
    check(internet < 0 || (listen(internet, 1) == 0 && refused(internet) == 0));
    return 0;
}

static void run(void **state)
{
    int status = 0;
    int (*const *test)(void) = (int (*const *)(void)) * state;
    pid_t pid = fork();
    if (pid == 0)
        _exit((*test)());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

#define test(name)                                                                                 \
    {                                                                                              \
#name, run, NULL, NULL, &(int (*)(void))                                                   \
        {                                                                                          \
            name                                                                                   \
        }                                                                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(none),         test(by_name),  test(bad_names),   test(of_another_process),
        test(not_a_number), test(too_many), test(no_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
