/* Tests of the audit log: the chain, its end and its return, failures, and many threads. */
#include "config.h"
#include "agent/audit.h"
#include "agent/refusal.h"

#include "tests/unit/audit_given.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct audit_batch batch;
static const struct peer peer = {
    .listener = "default", .identified = true, .uid = 1000, .gid = 100, .pid = 42};

static int append(const char *reference, int64_t *ret_id)
{
    const struct audit_record record = {.type = "mint", .peer = &peer, .reference = reference};
    return audit_append(audit, &batch, &record, ret_id);
}

/* One record and its commit. Returns the id, or a refusal_code. */
static int64_t record(const char *reference)
{
    int64_t id = 0;
    int r = append(reference, &id);
    int committed = audit_commit(audit, &batch);
    return r < 0 ? r : committed < 0 ? committed : id;
}

static void hash(const char *line, size_t length, char hex[static 65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)line, length, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* Reads the log and proves its chain: whole lines, numbered without a gap, each with the hash of
 * the one before. Returns the records, an array. */
static json_t *verified(void)
{
    size_t length;
    char prev[65] = ZEROS, *text = scratch_read("log", &length);
    json_t *records = json_array();
    for (char *line = text, *end; line < text + length; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + length - line));
        assert_non_null(end);
        json_t *parsed = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_integer_value(json_object_get(parsed, "seq")),
                         json_array_size(records) + 1);
        assert_string_equal(json_string_value(json_object_get(parsed, "prev")), prev);
        hash(line, (size_t)(end - line), prev);
        json_array_append_new(records, parsed);
    }
    free(text);
    return records;
}

static void assert_records(size_t count)
{
    json_t *records = verified();
    assert_int_equal(json_array_size(records), count);
    json_decref(records);
}

static const char *reference_of(const json_t *records, int64_t id)
{
    const json_t *wanted = json_array_get(records, (size_t)(id - 1));
    return json_string_value(json_object_get(wanted, "reference"));
}

/* The log's only line, its time replaced by "T". */
static void assert_line(const char *wanted)
{
    char *text = scratch_read("log", NULL), *line = quoted(wanted);
    char *time = strstr(text, "\"time\":\"");
    assert_non_null(time);
    time += 8;
    for (int i = 0; i < 27; i++) { /* 2023-01-18T14:06:59.000000Z */
        const char form[] = "0000-00-00T00:00:00.000000Z";
        bool digit = time[i] >= '0' && time[i] <= '9';
        assert_true(form[i] == '0' ? digit : time[i] == form[i]);
    }
    memmove(time + 1, time + 27, strlen(time + 27) + 1);
    *time = 'T';
    assert_string_equal(text, line);
    free(line);
    free(text);
}

static void a_whole_record(void **state)
{
    int64_t id = 0;
    const struct audit_record all = {
        .type = "mint",
        .peer = &peer,
        .configuration = 3,
        .profile = "acme",
        .allowed = true,
        .allow = 0,
        .key = "k\"1",
        .key_digest = "00112233",
        .next_key = true,
        .audience = "https://op",
        .algorithm = "HS256",
        .kid = "k1",
        .jti = "j",
        .token = "abc",
        .token_length = 3,
        .reference = "r \\ 1",
    };
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(audit_append(audit, &batch, &all, &id), 0);
    assert_int_equal(audit_commit(audit, &batch), 0);
    assert_int_equal(id, 1);
    assert_line(
        "{'seq':1,'time':'T','type':'mint','listener':'default','uid':1000,'gid':100,"
        "'pid':42,'configuration':3,'profile':'acme','allow':0,'key':'k\\'1',"
        "'key_digest':'00112233','next_key':true,'audience':'https://op','alg':'HS256','kid':'k1',"
        "'jti':'j','token_sha256':"
        "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',"
        "'reference':'r \\\\ 1','prev':'" ZEROS "'}\n");
}

/* Of somebody whom the kernel does not tell, about what was refused. */
static void a_record_of_little(void **state)
{
    const struct peer unknown = {.listener = "shop", .uid = 65534, .gid = 65534};
    const struct audit_record little = {.type = "mint", .peer = &unknown, .error = "NotAllowed"};
    int64_t id = 0;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(audit_append(audit, &batch, &little, &id), 0);
    assert_int_equal(audit_commit(audit, &batch), 0);
    assert_line("{'seq':1,'time':'T','type':'mint','listener':'shop','configuration':0,"
                "'error':'NotAllowed','prev':'" ZEROS "'}\n");
}

static void nothing_counts_before_the_commit(void **state)
{
    int64_t id = 0;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(append("a", &id), 0);
    assert_int_equal(append("b", &id), 0);
    assert_int_equal(id, 2);
    assert_records(0);
    assert_int_equal(audit_commit(audit, &batch), 0);
    assert_records(2);
    assert_int_equal(audit_commit(audit, &batch), 0); /* an empty batch */
    assert_records(2);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 6; id++) {
        if (!audit)
            audit_given_open(id % 3 ? CONF_SYNC_ALWAYS : CONF_SYNC_INTERVAL);
        assert_int_equal(record("x"), id);
        if (id % 2 == 0)
            audit_given_close();
    }
    assert_records(6);
}

static void assert_not_opened(const char *why)
{
    const struct audit_options options = audit_given_options(CONF_SYNC_INTERVAL);
    char error[CONF_ERROR_MAX] = "", wanted[CONF_ERROR_MAX];
    struct audit *other = NULL;
    const char *path = scratch_path("log");
    assert_int_equal(audit_open(&options, &other, error), -1);
    snprintf(wanted, sizeof wanted, "%s: %s", path, why);
    assert_string_equal(error, wanted);
    assert_null(other);
}

static void one_agent_at_a_time(void **state)
{
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(record("x"), 1);
    assert_not_opened("another agent writes this audit log");
    assert_int_equal(record("x"), 2);
    audit_given_close();
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_records(2);
}

/* A full disk: the batch is refused whole, and when there is room again all goes on. */
static void a_log_that_cannot_be_written(void **state)
{
    int64_t id = 0;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(record("one"), 1);
    size_t length;
    free(scratch_read("log", &length));

    assert_int_equal(append("two", &id), 0);
    assert_int_equal(append("three", &id), 0);
    scratch_limit(length + 20); /* a part of the line would still go in */
    int first = audit_commit(audit, &batch);
    int64_t second = record("four");
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(first, REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(second, REFUSAL_AUDIT_UNAVAILABLE);
    assert_records(1);

    assert_int_equal(record("five"), 2);
    json_t *records = verified();
    assert_int_equal(json_array_size(records), 2);
    assert_string_equal(reference_of(records, 2), "five");
    json_decref(records);
    audit_given_close();
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(record("six"), 3);
    assert_records(3);
}

/* A batch that lost its first records is lost as a whole, also what is appended later. */
static void a_batch_is_lost_as_a_whole(void **state)
{
    struct audit_batch other = {0};
    const struct audit_record empty = {.type = "mint", .peer = &peer};
    int64_t id = 0;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(append("lost", &id), 0);
    assert_int_equal(audit_append(audit, &other, &empty, &id), 0);
    scratch_limit(1);
    int r = audit_commit(audit, &other); /* writes what everybody has appended */
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(r, REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(append("late", &id), REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(audit_commit(audit, &batch), REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(record("next"), 1);
    assert_records(1);
    audit_batch_free(&other);
}

/* What was committed with another's batch stays committed when the log fails afterwards. */
static void what_is_on_disk_is_not_lost(void **state)
{
    struct audit_batch other = {0};
    const struct audit_record empty = {.type = "mint", .peer = &peer};
    int64_t id = 0;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(append("kept", &id), 0);
    assert_int_equal(audit_append(audit, &other, &empty, &id), 0);
    assert_int_equal(audit_commit(audit, &other), 0);
    assert_int_equal(audit_append(audit, &other, &empty, &id), 0);
    scratch_limit(1);
    int r = audit_commit(audit, &other);
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(r, REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(audit_commit(audit, &batch), 0);
    assert_records(2);
    audit_batch_free(&other);
}

static void a_log_that_was_cut_is_refused(void **state)
{
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(record("one"), 1);
    assert_int_equal(record("two"), 2);
    assert_int_equal(truncate(scratch_path("log"), 10), 0);
    assert_int_equal(record("three"), REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(record("four"), REFUSAL_AUDIT_UNAVAILABLE);
    struct stat st;
    assert_int_equal(stat(scratch_path("log"), &st), 0);
    assert_int_equal(st.st_size, 10);
}

static void a_line_that_is_too_long(void **state)
{
    static char reference[70000];
    int64_t id = 0;
    (void)state;
    memset(reference, 'x', sizeof reference - 1);
    audit_given_open(CONF_SYNC_ALWAYS);
    assert_int_equal(append("one", &id), 0);
    assert_int_equal(append(reference, &id), REFUSAL_AUDIT_UNAVAILABLE);
    assert_int_equal(append("two", &id), 0);
    assert_int_equal(audit_commit(audit, &batch), 0);
    assert_int_equal(id, 2);
    assert_records(2);
}

#define THREADS 8
#define BATCHES 60

struct worker {
    pthread_t thread;
    unsigned number;
    bool may_fail;
    size_t count;
    struct {
        int64_t id;
        char reference[32];
    } recorded[BATCHES * 4]; /* and committed */
};

/* Appends batches of 1 to 4 records, and keeps those that are said to be recorded. */
static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct audit_batch own = {0};
    for (unsigned i = 0; i < BATCHES; i++) {
        size_t count = worker->count;
        for (unsigned j = 0; j <= (i + worker->number) % 4; j++) {
            char *reference = worker->recorded[count].reference;
            sprintf(reference, "%u-%u-%u", worker->number, i, j);
            const struct audit_record one = {.type = "mint",
                                             .peer = &peer,
                                             .reference = reference,
                                             .token = "t",
                                             .token_length = 1};
            if (audit_append(audit, &own, &one, &worker->recorded[count].id) == 0)
                count++;
        }
        if (audit_commit(audit, &own) == 0)
            worker->count = count;
    }
    audit_batch_free(&own);
    return NULL;
}

static void start_workers(struct worker workers[THREADS])
{
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
    }
}

/* Joins them. All that they hold for recorded is in the log, each at its own id. Returns how much
 * that is. */
static size_t join_workers(struct worker workers[THREADS])
{
    size_t count = 0;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    json_t *records = verified();
    for (unsigned i = 0; i < THREADS; i++) {
        for (size_t j = 0; j < workers[i].count; j++)
            assert_string_equal(reference_of(records, workers[i].recorded[j].id),
                                workers[i].recorded[j].reference);
        count += workers[i].count;
    }
    assert_true(json_array_size(records) >= count);
    json_decref(records);
    return count;
}

static void many_threads(void **state)
{
    static struct worker workers[THREADS];
    (void)state;
    for (enum conf_sync sync = CONF_SYNC_ALWAYS; sync <= CONF_SYNC_INTERVAL; sync++) {
        audit_given_open(sync);
        start_workers(workers);
        assert_int_equal(join_workers(workers), THREADS * BATCHES * 10 / 4);
        audit_given_close();
        assert_records(THREADS * BATCHES * 10 / 4);
        unlink(scratch_path("log"));
        unlink(scratch_path(AUDIT_STATE_FILE));
    }
}

/* The disk is full now and then: what is said to be recorded is, and the chain holds. */
static void many_threads_and_failures(void **state)
{
    static struct worker workers[THREADS];
    struct stat st;
    (void)state;
    audit_given_open(CONF_SYNC_ALWAYS);
    start_workers(workers);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(stat(scratch_path("log"), &st), 0);
        scratch_limit((rlim_t)st.st_size + 700);
        usleep(200);
        scratch_limit(RLIM_INFINITY);
        usleep(200);
    }
    size_t count = join_workers(workers);
    assert_in_range(count, 1, THREADS * BATCHES * 10 / 4);
    assert_true(record("last") > 0);
    json_decref(verified());
}

static int end_test(void **state)
{
    audit_given_close();
    audit_batch_free(&batch);
    batch = (struct audit_batch){0};
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_whole_record),
        test(a_record_of_little),
        test(nothing_counts_before_the_commit),
        test(the_chain_goes_on_after_a_restart),
        test(one_agent_at_a_time),
        test(a_log_that_cannot_be_written),
        test(a_batch_is_lost_as_a_whole),
        test(what_is_on_disk_is_not_lost),
        test(a_log_that_was_cut_is_refused),
        test(a_line_that_is_too_long),
        test(many_threads),
        test(many_threads_and_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
