/* Tests json_value.c: what it takes, what it refuses, and that jansson sees the same. */
#include "config.h"
#include "client/json_value.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALUES_MAX 40

static struct json_value values[VALUES_MAX];

/* Parses a text in which ' stands for "; the values live until the next call. */
static int parse(const char *text)
{
    static char *copy;
    free(copy);
    copy = text ? quoted(text) : NULL;
    return text ? json_value_parse(copy, strlen(copy), values, VALUES_MAX) : 0;
}

static int forget(void **state)
{
    (void)state;
    return parse(NULL);
}

static void values_of_every_type(void **state)
{
    (void)state;
    assert_int_equal(
        parse(" { 'n' : null , 'f':false,'t':true,'i':-7,'r':1.5e+3,'s':'a','a':[1,[],2],"
              "'o':{'x':{}} } "),
        0);
    static const struct {
        const char *name;
        enum json_value_type type;
        uint32_t count;
    } members[] = {
        {"n", JSON_VALUE_NULL, 0},    {"f", JSON_VALUE_FALSE, 0},  {"t", JSON_VALUE_TRUE, 0},
        {"i", JSON_VALUE_INTEGER, 0}, {"r", JSON_VALUE_NUMBER, 0}, {"s", JSON_VALUE_STRING, 0},
        {"a", JSON_VALUE_ARRAY, 3},   {"o", JSON_VALUE_OBJECT, 1},
    };
    assert_int_equal(values->count, 8);
    const struct json_value *member = json_value_first(values);
    for (size_t i = 0; i < 8; i++, member = json_value_next(member)) {
        assert_string_equal(member->name, members[i].name);
        assert_int_equal(member->type, members[i].type);
        assert_int_equal(member->count, members[i].count);
        assert_ptr_equal(json_value_member(values, members[i].name), member);
    }
    assert_ptr_equal(member, values + values->size);
    assert_null(json_value_member(values, "x"));
    assert_null(json_value_member(json_value_first(values), "x"));
    assert_null(json_value_member(NULL, "x"));
}

static void strings(void **state)
{
    static const char *const cases[][2] = {
        {"''", ""},
        {"'\\u0061\\u00e9\\u20ac\\ud83d\\ude00'", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"'\\\\\\/\\b\\f\\n\\r\\t'", "\\/\b\f\n\r\t"},
        {"'\xc3\xa9 \x7f\xf4\x8f\xbf\xbf'", "\xc3\xa9 \x7f\xf4\x8f\xbf\xbf"},
        {"'\\u00E9\\uFFFF'", "\xc3\xa9\xef\xbf\xbf"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i][0]), 0);
        assert_string_equal(values->string, cases[i][1]);
        assert_int_equal(values->length, strlen(cases[i][1]));
    }
}

static void integers(void **state)
{
    static const struct {
        const char *text;
        enum json_value_type type;
        int64_t integer;
    } cases[] = {
        {"0", JSON_VALUE_INTEGER, 0},
        {"-0", JSON_VALUE_INTEGER, 0},
        {"9223372036854775807", JSON_VALUE_INTEGER, INT64_MAX},
        {"-9223372036854775808", JSON_VALUE_INTEGER, INT64_MIN},
        {"9223372036854775808", JSON_VALUE_NUMBER, 0},
        {"-9223372036854775809", JSON_VALUE_NUMBER, 0},
        {"99999999999999999999999", JSON_VALUE_NUMBER, 0},
        {"1e2", JSON_VALUE_NUMBER, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].text), 0);
        assert_int_equal(values->type, cases[i].type);
        if (values->type == JSON_VALUE_INTEGER)
            assert_true(values->integer == cases[i].integer);
    }
}

/* A text of n elements, or of n arrays in one another. */
static int parse_many(size_t n, const char *before, const char *after)
{
    char *text = calloc(2 * n + 8, 4), *end = text;
    if (!*after)
        end = stpcpy(end, "[0");
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, before);
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, after);
    if (!*after)
        stpcpy(end, "]");
    int r = parse(text);
    free(text);
    return r;
}

static void limits(void **state)
{
    (void)state;
    assert_int_equal(parse_many(VALUES_MAX - 2, ",1", ""), 0);
    assert_int_equal(parse_many(VALUES_MAX - 1, ",1", ""), -1);
    assert_int_equal(parse_many(JSON_VALUE_DEPTH_MAX, "[", "]"), 0);
    assert_int_equal(parse_many(JSON_VALUE_DEPTH_MAX + 1, "[", "]"), -1);
}

/* The most values that so many bytes can be: [1,1,...], short and long. */
static void there_is_room_for_any_text(void **state)
{
    (void)state;
    for (size_t length = 1; length < 1200; length += 2) {
        char *text = malloc(length);
        memset(text, '1', length);
        for (size_t i = 2; i + 1 < length; i += 2)
            text[i] = ',';
        text[0] = length > 1 ? '[' : '1';
        text[length - 1] = length > 1 ? ']' : '1';
        size_t most = json_value_most(text, length);
        struct json_value *room = malloc(most * sizeof *room);
        assert_int_equal(json_value_parse(text, length, room, most), 0);
        assert_int_equal(room->size, length / 2 + 1);
        free(room);
        free(text);
    }
}

/* An object of n members. */
static int parse_members(unsigned n)
{
    static struct json_value members[JSON_VALUE_MEMBERS_MAX + 2];
    char text[16 * (JSON_VALUE_MEMBERS_MAX + 2)], *end = text;
    for (unsigned i = 0; i < n; i++)
        end += sprintf(end, "%c\"%u\":0", i ? ',' : '{', i);
    end = stpcpy(end, "}");
    return json_value_parse(text, (size_t)(end - text), members, JSON_VALUE_MEMBERS_MAX + 2);
}

static void most_members(void **state)
{
    (void)state;
    assert_int_equal(parse_members(JSON_VALUE_MEMBERS_MAX), 0);
    assert_int_equal(parse_members(JSON_VALUE_MEMBERS_MAX + 1), -1);
}

static bool is_same(const struct json_value *value, const json_t *json)
{
    static const enum json_value_type types[] = {
        [JSON_OBJECT] = JSON_VALUE_OBJECT, [JSON_ARRAY] = JSON_VALUE_ARRAY,
        [JSON_STRING] = JSON_VALUE_STRING, [JSON_INTEGER] = JSON_VALUE_INTEGER,
        [JSON_REAL] = JSON_VALUE_NUMBER,   [JSON_TRUE] = JSON_VALUE_TRUE,
        [JSON_FALSE] = JSON_VALUE_FALSE,   [JSON_NULL] = JSON_VALUE_NULL};
    if (types[json_typeof(json)] != value->type)
        return false;
    if (json_is_integer(json))
        return json_integer_value(json) == value->integer;
    if (json_is_string(json))
        return json_string_length(json) == value->length &&
               strcmp(json_string_value(json), value->string) == 0;
    size_t count = json_is_object(json) ? json_object_size(json) : json_array_size(json);
    const struct json_value *child = json_value_first(value);
    for (size_t i = 0; i < value->count; i++, child = json_value_next(child)) {
        const json_t *other =
            json_is_object(json) ? json_object_get(json, child->name) : json_array_get(json, i);
        if (!other || !is_same(child, other))
            return false;
    }
    return count == value->count;
}

static void compare(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    memcpy(copy, text, length);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    int r = json_value_parse(copy, length, values, VALUES_MAX);
    if ((r == 0) != (json != NULL) || (json && !is_same(values, json)))
        fail_msg("%.*s: %d", (int)length, text, r);
    json_decref(json);
    free(copy);
}

/* Every byte of a few texts replaced by others, and left out. */
static void the_same_as_jansson(void **state)
{
    static const char *const texts[] = {
        "{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'a','claims':{'sub':'b'}}}",
        "[ null, true,false, -12, 1.5, 2e-3, 'x', {'a':[],'b':{}}, 0 ]",
        "{'a':1,'b':2,'aa':3,'':4}",
        "['\\u00e9\\ud83d\\ude00\\n\\\\', '\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf']",
    };
    static const char bytes[] =
        "{}[]:,'\"\\/ue0a19.-+ \t\n\r\x01\x7f\x80\xbf\xc0\xc2\xe0\xed\xf0\xf4\xf5\xff";
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *text = quoted(texts[i]);
        size_t length = strlen(text);
        compare(text, length);
        for (size_t at = 0; at < length; at++) {
            char byte = text[at];
            for (size_t j = 0; bytes[j]; j++) {
                text[at] = bytes[j];
                compare(text, length);
            }
            text[at] = byte;
            compare(text, at);
            compare(text + at, length - at);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(strings),
        cmocka_unit_test(integers),
        cmocka_unit_test(limits),
        cmocka_unit_test(there_is_room_for_any_text),
        cmocka_unit_test(most_members),
        cmocka_unit_test(the_same_as_jansson),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
