/* Tests of the policy's table: every caller against every rule. */
#include "config.h"
#include "agent/policy.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static gid_t groups[] = {2000, 3000};
static gid_t unknown_groups[] = {65534, 2000};
static char portal[] = "portal.service";
static char other[] = "other.service";

/* The columns of the tables below. */
static const struct peer callers[] = {
    {"default", true, 0, 0, 1, NULL, 0, NULL},         /* root */
    {"default", true, 1000, 1000, 1, groups, 2, NULL}, /* A, in groups */
    {"default", true, 1001, 2000, 1, NULL, 0, NULL},   /* B, with one of them as his own */
    {"shop", true, 1000, 1000, 1, groups, 2, NULL},    /* A through the other listener */
    {"default", true, 1000, 1000, 1, groups, 2, portal},
    {"default", true, 1000, 1000, 1, groups, 2, other},
    {"shop", true, 1001, 2000, 1, NULL, 0, portal},
    {"default", true, 0, 0, 1, NULL, 0, portal},
    {"default", true, 1000, 1000, 0, groups, 2, NULL}, /* of another PID namespace: no pid */
    /* Of another user namespace: the ids say nothing, also where one of them looks known. */
    {"default", false, 65534, 65534, 1, NULL, 0, NULL},
    {"shop", false, 65534, 65534, 1, NULL, 0, NULL},
    {"shop", false, 65534, 2000, 1, groups, 2, portal},
    {"default", true, 1002, 65534, 1, unknown_groups, 2, NULL},
};
#define CALLERS (sizeof callers / sizeof callers[0])

/* Rules of one member each, by member: x may, - may not. */
struct rule {
    const char *member;
    const char *wanted;
};
static const struct rule by_user[] = {
    {"'uid':0", "x------x-----"},     {"'user':'root'", "x------x-----"},
    {"'uid':1000", "-x-xxx--x----"},  {"'uid':1001", "--x---x------"},
    {"'uid':1002", "------------x"},  {"'uid':7", "-------------"},
    {"'uid':65533", "-------------"}, {NULL, "xxxxxxxxxxxxx"},
};
static const struct rule by_group[] = {
    {"'gid':0", "x------x-----"},    {"'group':'root'", "x------x-----"},
    {"'gid':1000", "-x-xxx-------"}, {"'gid':2000", "-xxxxxx-----x"},
    {"'gid':3000", "-x-xxx-------"}, {"'gid':4000", "-------------"},
    {NULL, "xxxxxxxxxxxxx"},
};
static const struct rule by_unit[] = {
    {"'unit':'portal.service'", "----x-xx-----"},
    {"'unit':'other.service'", "-----x-------"},
    {"'unit':'portal.scope'", "-------------"},
    {NULL, "xxxxxxxxxxxxx"},
};
static const struct rule by_listener[] = {
    {"'listener':'default'", "xxx-xx-xxx--x"},
    {"'listener':'shop'", "---x--x---xx-"},
    {NULL, "xxxxxxxxxxxxx"},
};
#define COUNT(rules) (sizeof(rules) / sizeof(rules)[0])
#define RULES        (COUNT(by_user) * COUNT(by_group) * COUNT(by_unit) * COUNT(by_listener))

/* One of each, or none of it: all combinations, by number. The last one has no member at all. */
static void choose(size_t number, const struct rule *ret_rules[static 4])
{
    ret_rules[0] = &by_user[number % COUNT(by_user)];
    number /= COUNT(by_user);
    ret_rules[1] = &by_group[number % COUNT(by_group)];
    number /= COUNT(by_group);
    ret_rules[2] = &by_unit[number % COUNT(by_unit)];
    ret_rules[3] = &by_listener[number / COUNT(by_unit)];
}

/* All members of an entry must match. */
static void write_entry(size_t number, char *text, size_t size, char ret_wanted[static CALLERS + 1])
{
    const struct rule *rules[4];
    size_t length = 0;
    choose(number, rules);
    memset(ret_wanted, 'x', CALLERS);
    ret_wanted[CALLERS] = '\0';
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(strlen(rules[i]->wanted), CALLERS);
        for (size_t j = 0; j < CALLERS; j++)
            if (rules[i]->wanted[j] == '-')
                ret_wanted[j] = '-';
        if (rules[i]->member)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "," : "{",
                                       rules[i]->member);
    }
    snprintf(text + length, size - length, "}");
}

static void give_profile(const char *name, const char *allow)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b']%s}", allow);
    given_profile(name, text);
}

static void assert_verdicts(const struct conf *conf, const char *name, const char *rule,
                            const char *wanted)
{
    char got[CALLERS + 1] = "";
    size_t entry;
    const struct profile *profile = conf_profile(conf, name);
    for (size_t i = 0; i < CALLERS; i++)
        got[i] = policy_allows(profile, &callers[i], &entry) ? 'x' : '-';
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s instead of %s", rule, got, wanted);
}

static void every_entry(void **state)
{
    static char texts[RULES][256], wanted[RULES][CALLERS + 1];
    char name[32], allow[300];
    (void)state;
    for (size_t i = 0; i + 1 < RULES; i++) {
        write_entry(i, texts[i], sizeof texts[i], wanted[i]);
        snprintf(name, sizeof name, "p%zu", i);
        snprintf(allow, sizeof allow, ",'allow':[%s]", texts[i]);
        give_profile(name, allow);
    }
    struct conf *conf = given_conf();
    for (size_t i = 0; i + 1 < RULES; i++) {
        snprintf(name, sizeof name, "p%zu", i);
        assert_verdicts(conf, name, texts[i], wanted[i]);
    }
    conf_unref(conf);
}

/* One entry suffices, and the first that matches is named. */
static void several_entries(void **state)
{
    static const struct {
        const char *allow;
        const char *wanted;
        const char *entries; /* which one matched */
    } rows[] = {
        {"", "-------------", "             "},
        {",'allow':[{'uid':0},{'uid':1001}]", "x-x---xx-----", "0 1   10     "},
        {",'allow':[{'uid':7},{'gid':4000},{'listener':'shop'}]", "---x--x---xx-", "   2  2   22 "},
        {",'allow':[{'uid':1000,'gid':4000},{'uid':1001,'gid':2000}]", "--x---x------",
         "  1   1      "},
        {",'allow':[{'unit':'portal.service'},{'uid':1000},{'listener':'shop'}]", "-x-xxxxxx-xx-",
         " 1 101001 22 "},
        {",'allow':[{'uid':1001,'unit':'portal.service'},{'uid':1000,'unit':'other.service'}]",
         "-----xx------", "     10      "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        give_profile("acme", rows[i].allow);
        struct conf *conf = given_conf();
        assert_verdicts(conf, "acme", rows[i].allow, rows[i].wanted);
        for (size_t j = 0; j < CALLERS; j++) {
            size_t entry = 0;
            if (policy_allows(conf_profile(conf, "acme"), &callers[j], &entry) &&
                entry != (size_t)(rows[i].entries[j] - '0'))
                fail_msg("%s: entry %zu for caller %zu", rows[i].allow, entry, j);
        }
        conf_unref(conf);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {test(every_entry), test(several_entries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
