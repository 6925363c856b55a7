/* Tests of agent/admin_pin.c: the PIN goes out of a message, whatever the message looks like. */
#include "config.h"
#include "agent/admin_pin.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char message[3 * SECRET_MAX];
static struct secret pin;
static bool found;

static int end(void **state)
{
    (void)state;
    secret_wipe(&pin);
    return 0;
}

static int take(const char *text)
{
    secret_wipe(&pin);
    found = false;
    snprintf(message, sizeof message, "%s", text);
    return admin_pin_take(message, strlen(message), &pin, &found);
}

static void expect_pin(const char *text, const char *wanted)
{
    assert_int_equal(take(text), 0);
    assert_true(found);
    assert_int_equal(pin.length, strlen(wanted));
    assert_memory_equal(pin.data, wanted, pin.length);
}

static void pin_goes_and_the_rest_stays(void **state)
{
    (void)state;
    expect_pin("{\"method\":\"m\",\"parameters\":{\"token\":\"a\",\"pin\":\"1234\"}}", "1234");
    assert_string_equal(message,
                        "{\"method\":\"m\",\"parameters\":{\"token\":\"a\",\"pin\":\"xxxx\"}}");
    expect_pin("{\"pin\" \t\r\n: \"\", \"b\":1}", "");
    expect_pin("{\"a\":\"pin\",\"b\":\"x\\\":{\",\"pin\":\"9\\\"}\"}", "9\"}");
    assert_string_equal(message, "{\"a\":\"pin\",\"b\":\"x\\\":{\",\"pin\":\"xxxx\"}");
}

/* RFC 8259 section 7. */
static void escapes(void **state)
{
    (void)state;
    expect_pin("{\"pin\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t");
    expect_pin("{\"pin\":\"\\u0041\\u00e9\\u20ac\\uD83D\\ude00\"}",
               "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_pin("{\"pin\":\"\xc3\xa9\"}", "\xc3\xa9");
}

static void what_is_no_pin(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "\"pin\"",
        "{\"pin\"",
        "{\"pin\":",
        "{\"pin\":1}",
        "{\"pin\":null}",
        "{\"pins\":\"1\"}",
        "[\"pin\",\"1\"]",
        "{\"pin\":\"1",
        "{\"pin\":\"1\\\"}",
        "{\"\\u0070in\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(take(texts[i]), 0);
        assert_false(found);
        assert_null(pin.data);
        assert_string_equal(message, texts[i]);
    }
}

/* Refused, and none of it is left in the message. */
static void bad_strings(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "4711\\u0000",
        "4711\\ud800",
        "4711\\udc00\\ud800",
        "4711\\ud800x12345",
        "4711\\ud800\\u0041",
        "4711\\u12",
        "4711\\u00g0",
        "4711\\x",
        "4711\n",
        "4711\\u-001",
    };
    char text[64];
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        snprintf(text, sizeof text, "{\"pin\":\"%s\"}", strings[i]);
        assert_int_equal(take(text), -1);
        assert_null(pin.data);
        assert_null(strstr(message, "4711"));
    }
}

static void two(void **state)
{
    (void)state;
    assert_int_equal(take("{\"pin\":\"12\",\"a\":{\"pin\":\"34\"}}"), -1);
    assert_string_equal(message, "{\"pin\":\"xx\",\"a\":{\"pin\":\"xx\"}}");
    assert_null(pin.data);
}

static void too_long(void **state)
{
    static char text[2 * SECRET_MAX];
    (void)state;
    snprintf(text, sizeof text, "{\"pin\":\"%0*d\"}", (int)SECRET_MAX, 7);
    assert_int_equal(take(text), 0);
    assert_int_equal(pin.length, SECRET_MAX);
    snprintf(text, sizeof text, "{\"pin\":\"%0*d\"}", (int)SECRET_MAX + 1, 7);
    assert_int_equal(take(text), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end)
    const struct CMUnitTest tests[] = {
        TEST(pin_goes_and_the_rest_stays),
        TEST(escapes),
        TEST(what_is_no_pin),
        TEST(bad_strings),
        TEST(two),
        TEST(too_long),
    };
    return cmocka_run_group_tests_name("admin_pin", tests, NULL, NULL);
}
