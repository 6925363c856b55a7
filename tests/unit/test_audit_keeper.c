/* Tests of the audit log's keeper, and of the records that it writes. */
#include "config.h"
#include "agent/audit_event.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define LONG_MS 10000

static struct service *service;
static struct audit_keeper *keeper;

/* By which somebody has set the clock. */
static time_t moved;

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int r = (int)syscall(SYS_clock_gettime, clock, ret_time);
    if (r == 0 && clock == CLOCK_REALTIME)
        ret_time->tv_sec += moved;
    return r;
}

static int begin_test(void **state)
{
    scratch_open(state);
    given_profile("acme",
                  "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'C','audiences':['https://a']}");
    service = given_service();
    return audit_keeper_start(service->audit, &keeper);
}

static int end_test(void **state)
{
    moved = 0;
    scratch_limit(RLIM_INFINITY);
    assert_true(audit_keeper_stop(keeper, 10));
    keeper = NULL;
    given_end(service);
    return scratch_close(state);
}

/* The records so far, an array. */
static json_t *records(void)
{
    json_t *array = json_array();
    char *text = scratch_read("audit.jsonl", NULL), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && *line;)
        json_array_append_new(array, json_loads(line, 0, NULL));
    free(text);
    return array;
}

/* The last record without seq, time and prev, as JSON in which ' stands for ". */
static void assert_last(const char *wanted)
{
    json_t *array = records(), *last = json_array_get(array, json_array_size(array) - 1);
    json_object_del(last, "seq");
    json_object_del(last, "time");
    json_object_del(last, "prev");
    char *got = json_dumps(last, JSON_COMPACT), *text = quoted(wanted);
    assert_string_equal(got, text);
    free(text);
    free(got);
    json_decref(array);
}

static size_t count(void)
{
    json_t *array = records();
    size_t size = json_array_size(array);
    json_decref(array);
    return size;
}

static void logins(void **state)
{
    const struct peer admin = {
        .listener = "admin", .identified = true, .uid = 7, .gid = 8, .pid = 9};
    (void)state;
    audit_event_login(keeper, "unlock", "a", &admin, NULL);
    audit_keeper_drain(keeper, LONG_MS);
    assert_last("{'type':'unlock','token':'a','uid':7,'pid':9}");
    audit_event_login(keeper, "login_failed", "a", NULL, "C_Login: CKR_PIN_INCORRECT");
    audit_keeper_drain(keeper, LONG_MS);
    assert_last("{'type':'login_failed','token':'a','error':'C_Login: CKR_PIN_INCORRECT'}");
}

static void the_configuration(void **state)
{
    char wanted[600];
    unsigned char hash[2][AUDIT_HASH_BYTES];
    char hex[2][2 * AUDIT_HASH_BYTES + 1];
    const char *const files[] = {"agent.json", "profiles.d/acme.json"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t length;
        char *text = scratch_read(files[i], &length);
        assert_true(audit_record_sha256(EVP_sha256(), text, length, hash[i]));
        free(text);
        for (size_t j = 0; j < AUDIT_HASH_BYTES; j++)
            sprintf(hex[i] + 2 * j, "%02x", hash[i][j]);
    }
    audit_event_reload(keeper, service->conf);
    audit_keeper_drain(keeper, LONG_MS);
    snprintf(wanted, sizeof wanted,
             "{'type':'reload','configuration':1,'configuration_sha256':'%s',"
             "'profiles':[{'name':'acme','sha256':'%s'}]}",
             hex[0], hex[1]);
    assert_last(wanted);
    audit_event_reload_failed(keeper, service->conf, "no file");
    audit_keeper_drain(keeper, LONG_MS);
    assert_last("{'type':'reload','configuration':1,'error':'no file'}");
}

/* Of so many that a line has no room for their names. */
static void many_profiles(void **state)
{
    enum { MANY = 500 };
    static struct profile profile = {.name = (char *)"a-profile-of-many"};
    static struct profile *profiles[MANY];
    struct conf conf = {.generation = 2,
                        .profiles = profiles,
                        .profile_count = MANY,
                        .sha256_method = EVP_sha256()};
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        profiles[i] = &profile;
    audit_event_start(keeper, &conf);
    audit_keeper_drain(keeper, LONG_MS);
    json_t *array = records(), *last = json_array_get(array, 0);
    assert_int_equal(json_integer_value(json_object_get(last, "profile_count")), MANY);
    assert_int_equal(json_string_length(json_object_get(last, "profiles_sha256")), 64);
    assert_null(json_object_get(last, "profiles"));
    json_decref(array);
}

/* They wait for the disk, in their order; whoever adds them does not. */
static void a_disk_that_is_full(void **state)
{
    (void)state;
    audit_event_stop(keeper, "first");
    audit_keeper_drain(keeper, LONG_MS);
    size_t size;
    free(scratch_read("audit.jsonl", &size));
    scratch_limit(size + 10);
    audit_event_stop(keeper, "second");
    audit_event_stop(keeper, "third");
    audit_keeper_drain(keeper, LONG_MS);
    assert_int_equal(count(), 1);
    scratch_limit(RLIM_INFINITY);
    for (int i = 0; i < 500 && count() < 3; i++)
        usleep(10000);
    assert_int_equal(count(), 3);
    assert_last("{'type':'stop','error':'third'}");
}

/* More than are kept are lost, not waited for. */
static void more_than_can_wait(void **state)
{
    (void)state;
    scratch_limit(1);
    for (int i = 0; i < AUDIT_KEEPER_QUEUE + 50; i++)
        audit_event_stop(keeper, NULL);
    audit_keeper_drain(keeper, LONG_MS);
    assert_int_equal(count(), 0);
    scratch_limit(RLIM_INFINITY);
    for (int i = 0; i < 500 && count() < AUDIT_KEEPER_QUEUE; i++)
        usleep(10000);
    assert_int_equal(count(), AUDIT_KEEPER_QUEUE);
}

static void a_record_that_is_too_long(void **state)
{
    static char error[100000];
    (void)state;
    memset(error, 'x', sizeof error - 1);
    audit_event_stop(keeper, error);
    audit_event_stop(keeper, "short");
    audit_keeper_drain(keeper, LONG_MS);
    assert_int_equal(count(), 1);
    assert_last("{'type':'stop','error':'short'}");
}

/* It does not look as if the thread hung. */
static void a_clock_that_is_set(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* clock_join has no other clock there */
#endif
    moved = -3600;
    assert_true(audit_keeper_stop(keeper, 10));
    assert_int_equal(audit_keeper_start(service->audit, &keeper), 0);
}

/* Nothing is recorded, and nothing is lost either. */
static void no_keeper(void **state)
{
    (void)state;
    audit_event_stop(NULL, "nobody");
    audit_keeper_drain(keeper, LONG_MS);
    assert_int_equal(count(), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(logins),
        test(the_configuration),
        test(many_profiles),
        test(a_disk_that_is_full),
        test(more_than_can_wait),
        test(a_record_that_is_too_long),
        test(a_clock_that_is_set),
        test(no_keeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
