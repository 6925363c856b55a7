/* Tests of what the service manager is told, to the byte. */
#include "config.h"
#include "agent/notify.h"

#include "tests/unit/scratch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct notify notify;
static int manager = -1;

/* A service manager that listens at the address, as NOTIFY_SOCKET has it. */
static void manager_at(const char *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    memcpy(un.sun_path, address, length);
    if (address[0] == '@')
        un.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", address, 1);
}

static int end(void **state)
{
    notify_close(&notify);
    if (manager >= 0)
        close(manager);
    manager = -1;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return scratch_close(state);
}

static void assert_hears(const char *wanted)
{
    char message[256];
    ssize_t n = recv(manager, message, sizeof message - 1, 0);
    message[n > 0 ? n : 0] = '\0';
    assert_string_equal(message, wanted);
}

static void assert_hears_reloading(void)
{
    char message[256];
    int64_t since = 0;
    int read = 0;
    ssize_t n = recv(manager, message, sizeof message - 1, 0);
    assert_true(n > 0);
    message[n] = '\0';
    sscanf(message,
           "RELOADING=1\nMONOTONIC_USEC=%" SCNd64 "\nSTATUS=Reads the configuration again\n%n",
           &since, &read);
    assert_int_equal(read, n);
    assert_true(since > 0);
}

static void assert_tells_all(void)
{
    notify_open(&notify);
    assert_null(getenv("NOTIFY_SOCKET"));
    notify_ready(&notify, 1);
    assert_hears("READY=1\nSTATUS=Serves with configuration 1\n");
    notify_reloading(&notify);
    assert_hears_reloading();
    notify_stopping(&notify);
    assert_hears("STOPPING=1\nSTATUS=Answers what was read, and ends\n");
    notify_alive(&notify, 1000000);
    assert_hears(""); /* nobody asked for a watchdog */
}

static void to_a_path(void **state)
{
    (void)state;
    manager_at(scratch_path("notify"));
    assert_tells_all();
}

static void to_an_abstract_name(void **state)
{
    char name[64];
    (void)state;
    snprintf(name, sizeof name, "@hintsign-test/%d", (int)getpid());
    manager_at(name);
    assert_tells_all();
}

static void to_nobody(void **state)
{
    static const char *const addresses[] = {NULL, "", "/", "@", "relative", "vsock:2:1234"};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        if (addresses[i])
            setenv("NOTIFY_SOCKET", addresses[i], 1);
        setenv("WATCHDOG_USEC", "2000000", 1);
        notify_open(&notify);
        assert_int_equal(notify.fd, -1);
        notify_ready(&notify, 1);
        notify_alive(&notify, 5000);
        notify_close(&notify);
    }
}

static void an_address_that_is_too_long(void **state)
{
    char address[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    (void)state;
    memset(address, 'a', sizeof address);
    address[0] = '/';
    address[sizeof address - 1] = '\0';
    setenv("NOTIFY_SOCKET", address, 1);
    notify_open(&notify);
    assert_int_equal(notify.fd, -1);
}

/* It is told, or it is gone: neither hurts. */
static void a_manager_that_is_gone(void **state)
{
    (void)state;
    manager_at(scratch_path("notify"));
    notify_open(&notify);
    close(manager);
    manager = -1;
    notify_ready(&notify, 1);
}

static void watchdog(void **state)
{
    char pid[16];
    (void)state;
    manager_at(scratch_path("notify"));
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&notify);
    assert_null(getenv("WATCHDOG_PID"));
    assert_null(getenv("WATCHDOG_USEC"));
    notify_alive(&notify, 100000);
    assert_hears("WATCHDOG=1\n");
    notify_alive(&notify, 114999);
    assert_hears("");
    notify_alive(&notify, 115000);
    assert_hears("WATCHDOG=1\n");
    assert_hears("");
}

static void watchdog_of_another_process(void **state)
{
    (void)state;
    manager_at(scratch_path("notify"));
    setenv("WATCHDOG_PID", "1", 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&notify);
    notify_alive(&notify, 100000);
    assert_hears("");
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(to_a_path),
        test(to_an_abstract_name),
        test(to_nobody),
        test(an_address_that_is_too_long),
        test(a_manager_that_is_gone),
        test(watchdog),
        test(watchdog_of_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
