/* Tests of the agent's own process: what is in force is told, and what is not. */
#include "config.h"
#include "agent/process.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char file[] =
    "Name:\tVmLck: 7\nUmask:\t0022\nVmLck:\t    2048 kB\nVmRSS:\t    1024 kB\n"
    "CapInh:\t00000000000000ff\nCapPrm:\t000001fffeffffff\n"
    "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";

static void facts_of_the_kernel(void **state)
{
    struct process_facts facts;
    (void)state;
    process_read_facts(file, &facts);
    assert_int_equal(facts.capabilities, 0x1fffeffffff);
    assert_int_equal(facts.locked, 2048);
    assert_int_equal(facts.resident, 1024);
    assert_int_equal(facts.seccomp, 2);
    assert_true(facts.no_new_privileges);
}

static void facts_that_are_missing(void **state)
{
    struct process_facts facts = {.seccomp = 1, .no_new_privileges = true};
    (void)state;
    process_read_facts("", &facts);
    assert_int_equal(facts.capabilities, 0);
    assert_int_equal(facts.seccomp, 0);
    assert_false(facts.no_new_privileges);
}

/* Whether the protection is told to be in force. */
static bool holds(const char *name)
{
    struct text out = {0};
    text_put(&out, "{");
    process_write(&out);
    text_put(&out, "}");
    json_t *all = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *value = json_object_get(all, name);
    bool result = json_is_true(value);
    if (!json_is_boolean(value))
        fail_msg("%s: %.*s", name, (int)out.length, out.data);
    json_decref(all);
    text_free(&out);
    return result;
}

/* Runs the test in a process of its own, for what cannot be taken back: it returns 0 when all is as
 * it should be, and otherwise the line. */
static void assert_in_child(int (*test)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(test());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define check(condition)                                                                           \
    do                                                                                             \
        if (!(condition))                                                                          \
            return __LINE__ & 0xff;                                                                \
    while (0)

static int protect(void)
{
    struct rlimit limit = {.rlim_max = 0};
    check(!holds("undumpable"));
    check(getrlimit(RLIMIT_CORE, &limit) == 0);
    check(holds("no_core") == (limit.rlim_max == 0));
    process_protect();
    check(holds("no_core"));
    check(holds("undumpable") == !SANITIZED);
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == limit.rlim_max);
    prctl(PR_SET_DUMPABLE, 1); /* as a module may */
    check(!holds("undumpable"));
    return 0;
}

static void memory_stays_inside(void **state)
{
    (void)state;
    assert_in_child(protect);
}

static rlim_t locked_memory; /* its limit, as getrlimit shall tell it */

/* The limit cannot be raised everywhere, not even by root; root may lock memory beyond it. */
int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    int r = prlimit(0, resource, NULL, limit);
    if (resource == RLIMIT_MEMLOCK)
        limit->rlim_cur = locked_memory;
    return r;
}

static int under_a_limit(void)
{
    locked_memory = 1 << 23;
    process_protect();
    check(!holds("memory_locked"));
    return 0;
}

static int without_limit(void)
{
    locked_memory = RLIM_INFINITY;
    process_protect();
    check(holds("memory_locked"));
    char *more = mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(more != MAP_FAILED);
    memset(more, 1, 1 << 22);
    check(holds("memory_locked"));
    munlockall();
    check(!holds("memory_locked"));
    return 0;
}

static void memory_is_locked_without_limit_as_root(void **state)
{
    (void)state;
    assert_in_child(under_a_limit);
    if (SANITIZED || geteuid() != 0)
        skip(); /* sanitizers lock nothing */
    assert_in_child(without_limit);
}

static int new_privileges(void)
{
    bool before = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    check(holds("no_new_privileges") == before);
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    check(holds("no_new_privileges"));
    return 0;
}

static int become_nobody(void)
{
    check(!holds("no_capabilities"));
    check(!holds("not_root"));
    check(setuid(65533) == 0);
    check(holds("no_capabilities"));
    check(holds("not_root"));
    return 0;
}

static void privileges(void **state)
{
    (void)state;
    assert_in_child(new_privileges);
    if (geteuid() == 0)
        assert_in_child(become_nobody);
    else
        assert_true(holds("not_root"));
}

static int close_all(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    process_protect();
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        check(fcntl(fd, F_GETFD) == 0);
    return 0;
}

static void standard_descriptors_are_filled(void **state)
{
    (void)state;
    assert_in_child(close_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_the_kernel),
        cmocka_unit_test(facts_that_are_missing),
        cmocka_unit_test(memory_stays_inside),
        cmocka_unit_test(memory_is_locked_without_limit_as_root),
        cmocka_unit_test(privileges),
        cmocka_unit_test(standard_descriptors_are_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
