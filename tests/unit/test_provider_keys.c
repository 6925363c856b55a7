/* Tests of agent/provider_keys.c: how often files with keys of providers are read, and for whom. */
#include "config.h"
#include "agent/provider_keys.h"
#include "agent/seal.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <cmocka.h>

#define PROFILES 3
#define NAME     "https%3A%2F%2Fop.example.json"
#define OTHER    "https%3A%2F%2Fop.example%2Fother.json"
#define KEY                                                                                        \
    "{ 'kty': 'EC', 'crv': 'P-256', 'use': 'enc', 'kid': 'good',"                                  \
    " 'x': 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',"                                         \
    " 'y': '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' }"
#define GOOD "{ 'issuer': 'https://op.example', 'keys': [ " KEY " ] }"

static char issuer[] = "https://op.example", other[] = "https://op.example/other";
static char *audiences[] = {issuer, other};
static char names[PROFILES][2] = {"a", "b", "c"};
static struct jose *jose;
static struct seal seal;
static struct profile profiles[PROFILES], *list[PROFILES];
static int watcher = -1;

static int setup(void **state)
{
    if (scratch_open(state) < 0 || jose_new(NULL, &jose) < 0)
        return -1;
    seal = (struct seal){.algs = {alg_find("ECDH-ES+A128KW")},
                         .alg_count = 1,
                         .enc = enc_find("A256GCM"),
                         .max_stale = 3600};
    for (size_t i = 0; i < PROFILES; i++) {
        profiles[i] = (struct profile){.name = names[i],
                                       .seal = &seal,
                                       .audiences = audiences,
                                       .audience_count = 2,
                                       .provider_keys = provider_keys_new(2)};
        list[i] = &profiles[i];
        if (!profiles[i].provider_keys)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < PROFILES; i++)
        provider_keys_free(profiles[i].provider_keys);
    jose_free(jose);
    if (watcher >= 0)
        close(watcher);
    watcher = -1;
    return scratch_close(state);
}

static void watch(const char *name)
{
    watcher = inotify_init1(IN_NONBLOCK);
    /* Two events that are alike are told as one: so the ends are watched, too. */
    assert_true(inotify_add_watch(watcher, scratch_path(name), IN_OPEN | IN_CLOSE) >= 0);
}

/* Looks at all files, and returns how often the one that is watched was read. */
static unsigned refresh(void)
{
    _Alignas(struct inotify_event) char events[4096];
    unsigned reads = 0;
    ssize_t n;
    provider_keys_refresh(jose, scratch_path("."), list, PROFILES);
    while ((n = read(watcher, events, sizeof events)) > 0) {
        const struct inotify_event *event;
        for (char *at = events; at < events + n; at += sizeof *event + event->len) {
            event = (const void *)at;
            reads += (event->mask & IN_OPEN) != 0;
        }
    }
    return reads;
}

static unsigned with_a_key(const char *words)
{
    char reason[PROVIDER_KEYS_REASON_MAX];
    unsigned count = 0;
    for (size_t i = 0; i < PROFILES; i++) {
        bool ready = provider_keys_ready(&profiles[i], 1700000000, reason, sizeof reason);
        count += ready;
        assert_true(ready || strstr(reason, words));
    }
    return count;
}

/* What is wrong may pass without a change of the file, so it is tried again: once for all. */
static void a_bad_file_is_read_once_a_pass(void **state)
{
    static const char *const files[][2] = {
        {"{", ":1: "},
        {"{ 'issuer': 'https://op.example', 'keys': [ {} ] }", "had to be skipped"},
        {"{ 'issuer': 'https://op.example', 'fetched_at': 9007199254740992, 'keys': [ {} ] }",
         "in the future"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        scratch_json(NAME, files[i][0]);
        watch(NAME);
        for (unsigned pass = 0; pass < 2; pass++)
            assert_int_equal(refresh(), 1);
        assert_int_equal(with_a_key(files[i][1]), 0);
        close(watcher);
    }
}

static void a_good_file_is_read_once(void **state)
{
    (void)state;
    scratch_json(NAME, GOOD);
    scratch_json(OTHER, "{ 'issuer': 'https://op.example/other', 'keys': [ " KEY " ] }");
    watch(NAME);
    assert_int_equal(refresh(), 1);
    assert_int_equal(with_a_key(""), PROFILES);
    assert_int_equal(refresh(), 0);
    /* A profile that comes later reads it again, and the others do not mind. */
    provider_keys_free(profiles[1].provider_keys);
    profiles[1].provider_keys = provider_keys_new(2);
    assert_non_null(profiles[1].provider_keys);
    assert_int_equal(refresh(), 1);
    assert_int_equal(with_a_key(""), PROFILES);
}

static void each_has_the_keys_of_its_own_issuers(void **state)
{
    (void)state;
    scratch_json(NAME, GOOD);
    scratch_json(OTHER, "{");
    watch(NAME);
    assert_int_equal(refresh(), 1);
    assert_int_equal(with_a_key("no encryption key of https://op.example/other: "), 0);
    profiles[2].audience_count = 1;
    assert_int_equal(with_a_key(":1: "), 1);
    unlink(scratch_path(OTHER));
    assert_int_equal(refresh(), 0);
    assert_int_equal(with_a_key("there is no key file for it"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_bad_file_is_read_once_a_pass),
        TEST(a_good_file_is_read_once),
        TEST(each_has_the_keys_of_its_own_issuers),
    };
    return cmocka_run_group_tests_name("provider_keys", tests, NULL, NULL);
}
