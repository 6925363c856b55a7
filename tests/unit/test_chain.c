/* Tests of the chain of an audit log: whatever is changed in it is told at the right line. */
#include "config.h"
#include "agent/audit/chain.h"
#include "tests/unit/audit_log.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RECORDS   500
#define INTERVAL  60 /* records between checkpoints */
#define LATE      3  /* lines that a checkpoint stands behind the one that it covers */
#define FILE_NAME "audit.jsonl"

static EVP_PKEY *key, *other_key;
static struct jwks *keys;
static struct audit_log *given; /* the log that the tests tamper with */
static size_t sealed;           /* lines up to the last one that a checkpoint covers */

static void make_log(void)
{
    given = audit_log_open(key);
    audit_log_record(given, "start", ",\"version\":\"1\",\"profiles\":[{\"name\":\"a\"}]");
    for (size_t i = 1; i < RECORDS; i++) {
        char reference[32];
        snprintf(reference, sizeof reference, "order \"%zu\" \xc3\xbc", i);
        audit_log_mint(given, reference);
        if (i % INTERVAL != 0)
            continue;
        sealed = given->lines - LATE;
        audit_log_checkpoint(given, sealed);
    }
}

static int setup(void **state)
{
    if (jose_given_setup(state) < 0)
        return -1;
    key = jose_keys_generate(jose_given, "P-256");
    other_key = jose_keys_generate(jose_given, "P-256");
    keys = audit_log_keys(jose_given, key, AUDIT_LOG_KID);
    make_log();
    return 0;
}

static int teardown(void **state)
{
    audit_log_close(given);
    jwks_free(keys);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    return jose_given_teardown(state);
}

/* --- verifying --- */

static struct chain open_chain(const struct jwks *with, const struct chain_expected *expected,
                               size_t count)
{
    struct chain_rules rules = {jose_given, with, expected, count};
    struct chain chain;
    assert_int_equal(chain_open(&rules, &chain), 0);
    return chain;
}

/* Takes the lines of a text up to its end, or to the first that does not fit. */
static int add_text(struct chain *chain, const char *text, size_t length,
                    struct chain_problem *problem)
{
    static struct text room;
    int r = 0;
    while (r == 0 && length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t line = end ? (size_t)(end - text) : length;
        struct chain_place place = {FILE_NAME, chain->place.line + 1};
        r = chain_add(chain, &place, text, line, &room, problem);
        text += line + (end != NULL);
        length -= line + (end != NULL);
    }
    text_free(&room);
    return r == 0 ? chain_end(chain, problem) : r;
}

static int add_log(struct chain *chain, const struct audit_log *log, struct chain_problem *problem)
{
    return add_text(chain, log->text.data, log->text.length, problem);
}

/* Verifies the log and returns the number of the line that does not fit, or 0. */
static uint64_t verify(const struct audit_log *log, const struct jwks *with,
                       const struct chain_expected *expected, size_t count, const char *says)
{
    struct chain chain = open_chain(with, expected, count);
    struct chain_problem problem = {.place = {.line = 0}};
    int r = add_log(&chain, log, &problem);
    chain_close(&chain);
    assert_true(r == 0 || r == LINE_BROKEN);
    if (says && (r == 0 || !strstr(problem.text, says)))
        fail_msg("line %llu: %s", (unsigned long long)problem.place.line, problem.text);
    return r == 0 ? 0 : problem.place.line;
}

static void a_whole_log(void **state)
{
    struct chain_problem problem;
    (void)state;
    struct chain chain = open_chain(keys, NULL, 0);
    assert_int_equal(add_log(&chain, given, &problem), 0);
    assert_int_equal(chain.records, RECORDS);
    assert_int_equal(chain.checkpoints, (RECORDS - 1) / INTERVAL);
    assert_int_equal(chain.last, given->lines);
    assert_string_equal(chain.time, "2026-01-31T00:08:27.123456Z");
    /* Behind the line that is covered stands a checkpoint, which proves itself. */
    assert_int_equal(chain.records - chain.sealed, given->lines - sealed - 1);
    chain_close(&chain);
}

static void no_lines(void **state)
{
    struct chain_problem problem;
    (void)state;
    struct chain chain = open_chain(keys, NULL, 0);
    assert_int_equal(chain_end(&chain, &problem), 0);
    assert_int_equal(chain.last, 0);
    chain_close(&chain);
}

/* --- tampering --- */

/* The chain before each line of the log. */
static struct chain *bookmarks(struct chain *chain)
{
    struct chain *marks = calloc(given->lines + 1, sizeof *marks);
    struct text room = {0};
    for (size_t i = 0; i < given->lines; i++) {
        struct chain_problem problem;
        struct chain_place place = {FILE_NAME, i + 1};
        size_t length;
        const char *line = audit_log_line(given, i, &length);
        marks[i] = *chain;
        assert_int_equal(chain_add(chain, &place, line, length, &room, &problem), 0);
    }
    marks[given->lines] = *chain;
    text_free(&room);
    return marks;
}

/* Goes on from a bookmark with a text; the line told must be `wanted`. */
static void expect_told(const struct chain *mark, const char *text, size_t length, uint64_t wanted,
                        const char *what, size_t where)
{
    struct chain chain = *mark;
    struct chain_problem problem = {.place = {.line = 0}};
    int r = add_text(&chain, text, length, &problem);
    if (r == LINE_BROKEN && problem.place.line == wanted)
        return;
    fail_msg("%s %zu: line %llu is told (%s) instead of %llu", what, where,
             (unsigned long long)problem.place.line, r == 0 ? "none" : problem.text,
             (unsigned long long)wanted);
}

/* What nothing covers may be changed unnoticed, but is never said to be sealed. */
static void expect_unsealed(const struct chain *mark, const char *text, size_t length,
                            uint64_t sealed_records)
{
    struct chain chain = *mark;
    struct chain_problem problem;
    if (add_text(&chain, text, length, &problem) == 0)
        assert_true(chain.sealed <= sealed_records);
}

static void every_byte_changed(void **state)
{
    (void)state;
    struct chain chain = open_chain(keys, NULL, 0);
    struct chain *marks = bookmarks(&chain);
    char *text = given->text.data;
    size_t length = given->text.length;
    for (size_t i = 0; i < given->lines; i++) {
        for (size_t at = given->starts[i]; at < given->starts[i + 1]; at++) {
            const char changed[] = {(char)(text[at] ^ 1 << at % 7), '\n'}, before = text[at];
            for (size_t n = 0; n < sizeof changed && changed[n] != before; n++) {
                text[at] = changed[n];
                const char *from = text + given->starts[i];
                size_t left = length - given->starts[i];
                if (i < sealed)
                    expect_told(&marks[i], from, left, i + 1, "byte", at);
                else
                    expect_unsealed(&marks[i], from, left, chain.sealed);
            }
            text[at] = before;
        }
    }
    free(marks);
    chain_close(&chain);
}

/* Writes lines `first`, `second` (where it is one) and all behind `next` on. */
static void put_lines(struct text *text, size_t first, size_t second, size_t next)
{
    const size_t single[] = {first, second};
    text_clear(text);
    for (size_t i = 0; i < 2; i++)
        if (single[i] < given->lines)
            text_add(text, given->text.data + given->starts[single[i]],
                     given->starts[single[i] + 1] - given->starts[single[i]]);
    text_add(text, given->text.data + given->starts[next],
             given->text.length - given->starts[next]);
}

static void every_line_moved(void **state)
{
    (void)state;
    struct chain chain = open_chain(keys, NULL, 0);
    struct chain *marks = bookmarks(&chain);
    struct text text = {0};
    for (size_t i = 0; i < sealed; i++) {
        put_lines(&text, SIZE_MAX, SIZE_MAX, i + 1);
        expect_told(&marks[i], text.data, text.length, i + 1, "deleted", i + 1);
        put_lines(&text, i, i, i + 1);
        expect_told(&marks[i], text.data, text.length, i + 2, "duplicated", i + 1);
        put_lines(&text, i + 1, i, i + 2);
        expect_told(&marks[i], text.data, text.length, i + 1, "swapped", i + 1);
    }
    text_free(&text);
    free(marks);
    chain_close(&chain);
}

/* Without keys the chain alone is checked, and a change is told all the same. */
static void the_chain_without_keys(void **state)
{
    char *text = given->text.data;
    (void)state;
    assert_int_equal(verify(given, NULL, NULL, 0, NULL), 0);
    for (size_t i = 1; i < 200; i += 13) {
        char *reference = strstr(text + given->starts[i], "\"time\":\"2026") + 8;
        *reference ^= 1;
        assert_int_equal(verify(given, NULL, NULL, 0, "was changed"), i + 1);
        *reference ^= 1;
    }
}

/* Somebody who can write the file, but not sign, makes a whole new chain. */
static void a_log_written_anew(void **state)
{
    (void)state;
    struct audit_log *log = audit_log_open(key);
    audit_log_mint(log, "true");
    audit_log_mint(log, "more");
    audit_log_checkpoint(log, 2);
    struct audit_log *forged = audit_log_open(key);
    audit_log_mint(forged, "forged");
    audit_log_mint(forged, "more");
    memcpy(forged->hashes[1], log->hashes[1], AUDIT_HASH_BYTES); /* the true statement */
    audit_log_checkpoint(forged, 2);
    assert_int_equal(verify(forged, NULL, NULL, 0, "was changed"), 2);

    /* ... with a chain that fits: the statement is not of this line 2. */
    struct chain_problem problem;
    struct chain chain = open_chain(keys, NULL, 0);
    char *checkpoint = forged->text.data + forged->starts[2];
    unsigned char hash[AUDIT_HASH_BYTES];
    size_t length;
    const char *line = audit_log_line(forged, 1, &length);
    EVP_Digest(line, length, hash, NULL, EVP_sha256(), NULL);
    struct text text = {0};
    char *prev = strstr(checkpoint, ",\"prev\"");
    text_add(&text, forged->text.data, (size_t)(prev - forged->text.data));
    audit_record_hash(&text, "prev", hash);
    text_put(&text, "}\n");
    assert_int_equal(add_text(&chain, text.data, text.length, &problem), LINE_BROKEN);
    assert_int_equal(problem.place.line, 3);
    assert_non_null(strstr(problem.text, "the log was rewritten"));
    text_free(&text);
    chain_close(&chain);
    audit_log_close(forged);
    audit_log_close(log);
}

static void keys_of_checkpoints(void **state)
{
    (void)state;
    struct audit_log *log = audit_log_open(other_key);
    audit_log_mint(log, "one");
    audit_log_checkpoint(log, 1);
    struct jwks *others = audit_log_keys(jose_given, other_key, AUDIT_LOG_KID);
    struct jwks *unnamed = audit_log_keys(jose_given, other_key, "another");
    assert_int_equal(verify(log, others, NULL, 0, NULL), 0);
    assert_int_equal(verify(log, keys, NULL, 0, "a signature that is not its key's"), 2);
    assert_int_equal(verify(log, unnamed, NULL, 0, "not among the keys given"), 2);
    others->keys[0].jwk.use = JWK_USE_ENC;
    assert_int_equal(verify(log, others, NULL, 0, "a key that may not sign it"), 2);
    jwks_free(unnamed);
    jwks_free(others);
    audit_log_close(log);
}

/* --- the end, and the beginning --- */

static struct chain_expected expected_line(const struct audit_log *log, size_t number)
{
    struct chain_expected expected = {.sequence = (int64_t)number};
    memcpy(expected.hash, log->hashes[number - 1], AUDIT_HASH_BYTES);
    return expected;
}

static struct audit_log *short_log(size_t records)
{
    struct audit_log *log = audit_log_open(key);
    for (size_t i = 0; i < records; i++)
        audit_log_mint(log, "r");
    return log;
}

static void an_end_cut_off(void **state)
{
    (void)state;
    struct audit_log *log = short_log(20);
    audit_log_checkpoint(log, 20);
    audit_log_mint(log, "behind");
    const struct chain_expected expected[] = {expected_line(log, 3), expected_line(log, 20)};
    assert_int_equal(verify(log, keys, expected, 2, NULL), 0);
    audit_log_cut(log, 15);
    assert_int_equal(verify(log, keys, NULL, 0, NULL), 0);
    assert_int_equal(verify(log, keys, expected, 2, "the end was cut off"), 15);
    for (size_t i = 0; i < 3; i++) /* the agent goes on, up to line 18 */
        audit_log_mint(log, "later");
    assert_int_equal(verify(log, keys, expected, 2, "the end was cut off"), 18);
    audit_log_mint(log, "later");
    audit_log_mint(log, "later");
    audit_log_checkpoint(log, 20);
    assert_int_equal(verify(log, keys, NULL, 0, NULL), 0);
    assert_int_equal(verify(log, keys, expected, 2, "not the one that is expected"), 20);
    audit_log_cut(log, 0);
    assert_int_equal(verify(log, keys, NULL, 0, NULL), 0);
    struct chain chain = open_chain(keys, expected, 2);
    struct chain_problem problem;
    assert_int_equal(add_log(&chain, log, &problem), LINE_BROKEN);
    chain_close(&chain);
    audit_log_close(log);
}

static void a_log_that_goes_on(void **state)
{
    struct chain_problem problem;
    (void)state;
    struct audit_log *log = short_log(10);
    const struct chain_expected expected[] = {expected_line(log, 5), expected_line(log, 5),
                                              expected_line(log, 8)};
    const struct chain_expected wrong = {.sequence = 5};
    const char *second = log->text.data + log->starts[5];
    size_t length = log->text.length - log->starts[5];
    const struct {
        const struct chain_expected *expected;
        size_t count;
        const char *says; /* NULL: it fits */
    } cases[] = {
        {NULL, 0, "what comes before is missing"},
        {expected, 3, NULL},
        {expected + 2, 1, "what comes before is missing"},
        {&wrong, 1, "prev is not the hash of the line that is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chain chain = open_chain(keys, cases[i].expected, cases[i].count);
        int r = add_text(&chain, second, length, &problem);
        assert_int_equal(r, cases[i].says ? LINE_BROKEN : 0);
        if (cases[i].says)
            assert_non_null(strstr(problem.text, cases[i].says));
        else
            assert_int_equal(chain.records, 5);
        chain_close(&chain);
    }
    audit_log_close(log);
}

/* It covers what it says, not what came meanwhile. */
static void a_checkpoint_that_comes_late(void **state)
{
    struct chain_problem problem;
    (void)state;
    struct audit_log *log = short_log(3);
    audit_log_checkpoint(log, 1);
    struct chain chain = open_chain(keys, NULL, 0);
    assert_int_equal(add_log(&chain, log, &problem), 0);
    assert_int_equal(chain.records - chain.sealed, 2);
    chain_close(&chain);
    audit_log_close(log);
}

static void gaps_are_counted(void **state)
{
    struct chain_problem problem;
    (void)state;
    struct audit_log *log = short_log(2);
    audit_log_record(log, "gap", ",\"expected_seq\":9,\"found_seq\":2");
    struct chain chain = open_chain(keys, NULL, 0);
    assert_int_equal(add_log(&chain, log, &problem), 0);
    assert_int_equal(chain.gaps, 1);
    chain_close(&chain);
    audit_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_log),
        cmocka_unit_test(no_lines),
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(every_line_moved),
        cmocka_unit_test(the_chain_without_keys),
        cmocka_unit_test(a_log_written_anew),
        cmocka_unit_test(keys_of_checkpoints),
        cmocka_unit_test(an_end_cut_off),
        cmocka_unit_test(a_log_that_goes_on),
        cmocka_unit_test(a_checkpoint_that_comes_late),
        cmocka_unit_test(gaps_are_counted),
    };
    return cmocka_run_group_tests_name("chain", tests, setup, teardown);
}
