/* Tests of pkcs11/key/guard.c: the process keeps to itself, and signals wait. */
#include "config.h"
#include "pkcs11/key/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <cmocka.h>

static void nobody_reads_the_memory(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(guard_process(), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
    const char *sanitized = getenv("SANITIZED");
    if (!sanitized || strcmp(sanitized, "yes") != 0)
        assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

static void signals_wait(void **state)
{
    (void)state;
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigset_t before;
        signal(numbers[i], catch);
        caught = 0;
        guard_hold_signals(&before);
        raise(numbers[i]);
        assert_int_equal(caught, 0);
        guard_release_signals(&before);
        assert_int_equal(caught, numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reads_the_memory),
        cmocka_unit_test(signals_wait),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
