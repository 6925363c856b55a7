/* Tests of reading a line of an audit log: the one form that the agent writes, and no other. */
#include "config.h"
#include "agent/audit/line.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define FRONT "{\"seq\":1,\"time\":\"2026-01-31T23:59:59.123456Z\",\"type\":\"mint\","
#define BACK  "\"prev\":\"" ZEROS "\"}"

static int parse(const char *text, size_t length, struct line *line, const char **error)
{
    struct text room = {0};
    int r = line_parse(jose_given, text, length, &room, line, error);
    text_free(&room);
    return r;
}

static void good_lines(void **state)
{
    static const char *const lines[] = {
        FRONT BACK,
        FRONT "\"a\":\"\\u000b\\u001f\\n\\\\\\\" / \x7f\xc3\xbc\"," BACK,
        FRONT "\"a\":[],\"b\":{},\"c\":[1,-2,{\"d\":null}],\"e\":true,\"f\":false," BACK,
        FRONT "\"a\":9223372036854775807,\"b\":0," BACK,
        FRONT "\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]," BACK,
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct line line;
        const char *error = "";
        unsigned char hash[AUDIT_HASH_BYTES];
        if (parse(lines[i], strlen(lines[i]), &line, &error) < 0)
            fail_msg("%s: %s", lines[i], error);
        EVP_Digest(lines[i], strlen(lines[i]), hash, NULL, EVP_sha256(), NULL);
        assert_memory_equal(line.hash, hash, sizeof hash);
        assert_int_equal(line.sequence, 1);
        assert_string_equal(line.type, "mint");
        assert_string_equal(line.time, "2026-01-31T23:59:59.123456Z");
        assert_int_equal(line.prev[0], 0);
        line_clear(&line);
    }
}

#define TIME "\"time\":\"2026-01-31T23:59:59.123456Z\","
static const char *const bad_lines[] = {
    "",
    "x",
    "[]",
    "{}",
    "null",
    FRONT,
    FRONT BACK "x",
    FRONT BACK " ",
    " " FRONT BACK,
    FRONT BACK FRONT BACK,
    FRONT " " BACK,
    FRONT "\"a\":1,\"a\":1," BACK,
    FRONT "\"a\":1.0," BACK,
    FRONT "\"a\":1e3," BACK,
    FRONT "\"a\":-0," BACK,
    FRONT "\"a\":01," BACK,
    FRONT "\"a\":9223372036854775808," BACK,
    FRONT "\"a\":111111111111111111111111111111111111111," BACK,
    FRONT "\"a\":\"\\u000B\"," BACK, /* the same string as another writes it */
    FRONT "\"a\":\"\\u0041\"," BACK,
    FRONT "\"a\":\"\\/\"," BACK,
    FRONT "\"a\":\"\\u0000\"," BACK,
    FRONT "\"a\":\"\t\"," BACK,
    FRONT "\"a\":\"\xff\"," BACK,
    FRONT "\"a\":\"\xed\xa0\x80\"," BACK,
    FRONT "\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]," BACK,
    FRONT "\"prev\":\"" ZEROS "\",\"a\":1}",
    FRONT "\"prev\":\"" ZEROS "0\"}",
    FRONT "\"prev\":\"A000000000000000000000000000000000000000000000000000000000000000\"}",
    FRONT "\"prev\":0}",
    "{" TIME "\"seq\":1,\"type\":\"mint\"," BACK,
    "{\"seq\":1,\"type\":\"mint\"," TIME BACK,
    "{\"seq\":\"1\"," TIME "\"type\":\"mint\"," BACK,
    "{\"seq\":0," TIME "\"type\":\"mint\"," BACK,
    "{\"seq\":-1," TIME "\"type\":\"mint\"," BACK,
    "{\"seq\":9007199254740993," TIME "\"type\":\"mint\"," BACK,
    "{\"seq\":1," TIME "\"type\":1," BACK,
    "{\"seq\":1,\"time\":\"2026-01-31T23:59:59Z\",\"type\":\"mint\"," BACK,
    "{\"seq\":1,\"time\":\"2026-01-31 23:59:59.123456Z\",\"type\":\"mint\"," BACK,
    "{\"seq\":1,\"time\":\"2026-01-31T23:59:59.123456+\",\"type\":\"mint\"," BACK,
    "{\"seq\":1,\"time\":\"2026-01-31T23:59:59.123456Z0\",\"type\":\"mint\"," BACK,
    "{\"seq\":1," TIME "\"type\":\"mint\"}",
    "{\"seq\":1," TIME BACK,
};

static void expect_bad(const char *text, size_t length)
{
    struct line line;
    const char *error = NULL;
    if (parse(text, length, &line, &error) != LINE_BROKEN || !error)
        fail_msg("taken: %s", text);
}

static void other_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++)
        expect_bad(bad_lines[i], strlen(bad_lines[i]));
    static const char with_nul[] = FRONT "\"a\":\"\0\"," BACK;
    expect_bad(with_nul, sizeof with_nul - 1);
    static const char nul_behind[] = FRONT BACK "\0";
    expect_bad(nul_behind, sizeof nul_behind - 1);
}

static void deep_and_long(void **state)
{
    (void)state;
    enum { SIZE = 64 * 1024 };
    char *text = malloc(SIZE);
    memset(text, '[', SIZE);
    expect_bad(text, SIZE);
    for (size_t i = 0; i + 5 <= SIZE; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    expect_bad(text, SIZE);
    memset(text, '9', SIZE);
    expect_bad(text, SIZE);
    memset(text, 0, SIZE);
    expect_bad(text, SIZE);
    free(text);
}

static void hashes(void **state)
{
    unsigned char hash[AUDIT_HASH_BYTES];
    (void)state;
    assert_true(
        line_hash("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", hash));
    assert_int_equal(hash[0], 0x01);
    assert_int_equal(hash[31], 0xef);
    assert_false(line_hash(NULL, hash));
    assert_false(line_hash("", hash));
    assert_false(line_hash(ZEROS "00", hash));
    assert_false(line_hash("g" ZEROS, hash));
    assert_false(
        line_hash("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", hash));
}

static void beginnings_of_times(void **state)
{
    static const char *const good[] = {"", "2026", "2026-01-31", "2026-01-31T23:59:59.123456Z"};
    static const char *const bad[] = {"x", "2026_", "2026-01-31 23",
                                      "2026-01-31T23:59:59.123456Z "};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(line_begins_time(good[i]));
        assert_false(line_begins_time(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),          cmocka_unit_test(other_forms),
        cmocka_unit_test(deep_and_long),       cmocka_unit_test(hashes),
        cmocka_unit_test(beginnings_of_times),
    };
    return cmocka_run_group_tests_name("line", tests, jose_given_setup, jose_given_teardown);
}
