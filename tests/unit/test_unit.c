/* Tests of finding the systemd unit of a process in its cgroups. */
#include "config.h"
#include "agent/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define DEEP "/system-a.slice/system-a-b.slice/system-a-b-c.slice"

static void units_by_cgroup(void **state)
{
    static const struct {
        const char *cgroups;
        const char *unit; /* NULL: none */
    } rows[] = {
        /* cgroup v2 */
        {"0::/system.slice/portal.service\n", "portal.service"},
        {"0::/system.slice/portal.service/worker/7\n", "portal.service"},
        {"0::/system.slice/docker-0a1b.scope\n", "docker-0a1b.scope"},
        {"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"},
        {"0::/system.slice" DEEP "/x.service\n", "x.service"},
        {"0::/system.slice/dev-mapper-a\\x2db.swap\n", "dev-mapper-a\\x2db.swap"},
        {"0::/system.slice/_cpu.service\n", "cpu.service"},
        {"0::/system.slice/__x.service\n", "_x.service"},
        /* What a user can make below his own manager, or a container below its unit */
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/portal.service\n", NULL},
        {"0::/user.slice/user-1000.slice/user@1000.service/system.slice/portal.service\n", NULL},
        {"0::/user.slice/system.slice/portal.service\n", NULL},
        {"0::/user.slice/user-1000.slice/session-2.scope\n", NULL},
        {"0::/machine.slice/libpod-1.scope/system.slice/portal.service\n", NULL},
        {"0::/system.slice/bob.service/system.slice/portal.service\n", "bob.service"},
        {"0::/system.slice/docker-1.scope/system.slice/portal.service\n", "docker-1.scope"},
        {"0::/system.slice/strange/portal.service\n", NULL},
        /* Nothing that is a unit */
        {"0::/\n", NULL},
        {"0::/init.scope\n", NULL},
        {"0::/portal.service\n", NULL},
        {"0::/system.slice\n", NULL},
        {"0::/system.slice/\n", NULL},
        {"0::/system.slice/system-a.slice\n", NULL},
        {"0::/system.slice/.slice\n", NULL},
        {"0::/system.slice/.service\n", NULL},
        {"0::/system.slice/_.service\n", NULL},
        {"0::/system.slice//portal.service\n", NULL},
        {"0:://system.slice/portal.service\n", NULL},
        {"0::/system.slices/portal.service\n", NULL},
        {"0::/xsystem.slice/portal.service\n", NULL},
        {"0::system.slice/portal.service\n", NULL},
        {"0::/../system.slice/portal.service\n", NULL},
        {"0::/system.slice/../portal.service\n", NULL},
        {"0::/system.slice/portal.service (deleted)\n", NULL},
        {"0::/system.slice/portal.timer\n", NULL},
        {"0::/system.slice/portal.service", NULL}, /* cut off */
        {"", NULL},
        {"\n", NULL},
        {"0:\n", NULL},
        {"0\n0::/system.slice/portal.service\n", "portal.service"},
        /* v1, and both together: the other hierarchies do not count */
        {"9:name=systemd:/system.slice/portal.service\n8:pids:/\n", "portal.service"},
        {"9:name=systemd:/system.slice/portal.service\n0::/\n", "portal.service"},
        {"9:name=systemd:/\n0::/system.slice/portal.service\n", "portal.service"},
        {"1:name=systemd:/system.slice/a.service/b\n0::/system.slice/a.service\n", "a.service"},
        {"1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n", NULL},
        {"1:name=systemd:/docker/1\n0::/system.slice/containerd.service\n", NULL},
        {"1:name=systemd:/system.slice/a.service\n0::/user.slice\n", NULL},
        {"1:name=systemd:/\n0::/\n", NULL},
        {"8:pids:/system.slice/portal.service\n0::/\n", NULL},
        {"8:name=other:/system.slice/portal.service\n", NULL},
        {"8:name=systemd2:/system.slice/portal.service\n", NULL},
        {"8:cpu,name=systemd:/system.slice/portal.service\n", NULL},
        {"10::/system.slice/portal.service\n", NULL},
        {"8:pids:/0::/system.slice/portal.service\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char unit[UNIT_NAME_MAX + 1] = "untouched";
        bool found = unit_parse(rows[i].cgroups, unit);
        if (found != (rows[i].unit != NULL) ||
            strcmp(unit, found ? rows[i].unit : "untouched") != 0)
            fail_msg("%s gives %s", rows[i].cgroups, found ? unit : "nothing");
    }
}

static void names_of_units(void **state)
{
    static const char *const good[] = {"portal.service", "a@b.service", "docker-1.scope",
                                       "x.socket",       "home.mount",  "dev-sda\\x2d1.swap",
                                       "A:b_c.service",  "a..service",  "..service"};
    static const char *const bad[] = {"",
                                      "portal",
                                      ".service",
                                      "portal.",
                                      "portal.Service",
                                      "portal.timer",
                                      "app.slice",
                                      "portal.service ",
                                      "por tal.service",
                                      "a/b.service",
                                      "p\xc3\xb6.service",
                                      "a\n.service",
                                      "*.service",
                                      "service"};
    char name[UNIT_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!unit_is_name(good[i], strlen(good[i])))
            fail_msg("%s is none", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (unit_is_name(bad[i], strlen(bad[i])))
            fail_msg("%s is one", bad[i]);
    assert_false(unit_is_name("a\0b.service", 11));
    memset(name, 'x', sizeof name);
    memcpy(name + UNIT_NAME_MAX - 8, ".service", 8);
    assert_true(unit_is_name(name, UNIT_NAME_MAX));
    memcpy(name + UNIT_NAME_MAX - 7, ".service", 8);
    assert_false(unit_is_name(name, UNIT_NAME_MAX + 1));
}

/* A name that is too long cannot be read into the room for one. */
static void a_name_that_is_too_long(void **state)
{
    char cgroups[2 * UNIT_NAME_MAX], unit[UNIT_NAME_MAX + 1];
    char name[UNIT_NAME_MAX + 2];
    (void)state;
    memset(name, 'x', sizeof name);
    name[UNIT_NAME_MAX + 1 - 8] = '\0';
    snprintf(cgroups, sizeof cgroups, "0::/system.slice/%s.service\n", name);
    assert_false(unit_parse(cgroups, unit));
    name[UNIT_NAME_MAX - 8] = '\0';
    snprintf(cgroups, sizeof cgroups, "0::/system.slice/%s.service\n", name);
    assert_true(unit_parse(cgroups, unit));
    assert_int_equal(strlen(unit), UNIT_NAME_MAX);
}

/* With a process there is, one there was, and one there cannot be. */
static void processes(void **state)
{
    char unit[UNIT_NAME_MAX + 1];
    (void)state;
    unit_read(getpid(), unit);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(unit_read(child, unit));
    assert_false(unit_read(0, unit));
    assert_false(unit_read(-1, unit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_by_cgroup),
        cmocka_unit_test(names_of_units),
        cmocka_unit_test(a_name_that_is_too_long),
        cmocka_unit_test(processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
