/* Tests of the JSON text that is signed and hashed: what one input gives never changes. */
#include "config.h"
#include "client/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_text(const struct text *text, const char *wanted)
{
    assert_false(text->failed);
    assert_int_equal(text->length, strlen(wanted));
    assert_memory_equal(text->data, wanted, strlen(wanted));
}

static void assert_string(const char *string, size_t length, const char *wanted)
{
    struct text text = {0};
    text_string(&text, string, length);
    assert_text(&text, wanted);
    text_free(&text);
}

/* What ECMAScript's JSON.stringify gives for each character below U+0020. */
static void control_characters_are_escaped(void **state)
{
    static const char *const wanted[0x20] = {
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    };
    (void)state;
    for (size_t i = 0; i < 0x20; i++) {
        char character = (char)i, json[16] = "\"";
        strcat(json, wanted[i]);
        strcat(json, "\"");
        assert_string(&character, 1, json);
    }
}

static void only_what_must_be_is_escaped(void **state)
{
    static const char *const raw[] = {
        "",
        "bob",
        "a/b",
        "<>&'",
        "\x7f",
        "\xc2\x80",         /* U+0080 */
        "\xe2\x80\xa8",     /* U+2028 */
        "\xe2\x80\xa9",     /* U+2029 */
        "\xf0\x9f\x98\x80", /* an emoji, no surrogates */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF */
    };
    (void)state;
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        char json[32] = "\"";
        strcat(json, raw[i]);
        strcat(json, "\"");
        assert_string(raw[i], strlen(raw[i]), json);
    }
    assert_string("\"\\", 2, "\"\\\"\\\\\"");
    assert_string("a\"b\\c\nd", 7, "\"a\\\"b\\\\c\\nd\"");
}

/* Every byte, at every place of strings around the step of eight. */
static void plain_bytes(void **state)
{
    char string[20];
    (void)state;
    for (size_t length = 0; length <= sizeof string; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
                memset(string, 'x', sizeof string);
                string[at] = (char)byte;
                assert_int_equal(text_plain(string, length), plain ? length : at);
            }
        }
        memset(string, '!', sizeof string);
        assert_int_equal(text_plain(string, length), length);
    }
}

static void what_is_not_utf8_is_replaced(void **state)
{
#define BAD "\xef\xbf\xbd"
    static const char *const pairs[][2] = {
        {"m\xfcller", "\"m" BAD "ller\""},
        {"\x80", "\"" BAD "\""}, /* no beginning */
        {"\xc3", "\"" BAD "\""}, /* no end */
        {"\xe2\x80", "\"" BAD BAD "\""},
        {"\xc3\xc3\xa9", "\"" BAD "\xc3\xa9\""},
        {"\xc0\xaf", "\"" BAD BAD "\""}, /* longer than need be */
        {"\xe0\x9f\xbf", "\"" BAD BAD BAD "\""},
        {"\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\""},
        {"\xed\xa0\x80", "\"" BAD BAD BAD "\""},         /* a surrogate */
        {"\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""}, /* beyond U+10FFFF */
        {"\xff\"", "\"" BAD "\\\"\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_string(pairs[i][0], strlen(pairs[i][0]), pairs[i][1]);
}

static void integers(void **state)
{
    static const struct {
        int64_t value;
        const char *wanted;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {1300819380, "1300819380"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        text_integer(&text, cases[i].value);
        assert_text(&text, cases[i].wanted);
        text_free(&text);
    }
}

static void hexadecimal_digits(void **state)
{
    struct text text = {0};
    (void)state;
    text_hex(&text, (const unsigned char *)"\x00\x0f\xa5\xff", 4);
    assert_text(&text, "000fa5ff");
    text_free(&text);
}

static void grows_and_is_used_again(void **state)
{
    struct text text = {0};
    (void)state;
    text_add(&text, NULL, 0);
    for (unsigned i = 0; i < 20000; i++)
        text_add(&text, &(char){(char)i}, 1);
    assert_int_equal(text.length, 20000);
    for (unsigned i = 0; i < 20000; i++)
        assert_int_equal(text.data[i], (char)i);
    const char *memory = text.data;
    text_clear(&text);
    text_put(&text, "short");
    assert_text(&text, "short");
    assert_ptr_equal(text.data, memory);
    text_free(&text);
    assert_int_equal(text.length, 0);
    text_free(&text);
}

/* The worst case of a string fits what was reserved for it. */
static void long_strings(void **state)
{
    struct text text = {0};
    char string[1000];
    (void)state;
    memset(string, 1, sizeof string);
    text_string(&text, string, sizeof string);
    assert_int_equal(text.length, 6002);
    assert_memory_equal(text.data + 5995, "\\u0001\"", 7);
    text_free(&text);
}

static void nothing_can_be_added_to_nothing(void **state)
{
    struct text text = {0};
    (void)state;
    assert_non_null(text_reserve(&text, 0));
    text_add(&text, NULL, 0);
    assert_false(text.failed);
    assert_int_equal(text.length, 0);
    text_free(&text);
}

static void a_failure_stays(void **state)
{
    struct text text = {0};
    (void)state;
    text_put(&text, "before");
    assert_null(text_reserve(&text, SIZE_MAX));
    assert_true(text.failed);
    text_put(&text, "x");
    text_string(&text, "x", 1);
    text_integer(&text, 1);
    text_hex(&text, (const unsigned char *)"x", 1);
    assert_int_equal(text.length, 6);
    text_clear(&text);
    text_put(&text, "after");
    assert_text(&text, "after");
    text_free(&text);
}

static void a_limit(void **state)
{
    struct text text = {.limit = 10};
    (void)state;
    text_put(&text, "123456789");
    text_put(&text, "0");
    text_put(&text, "");
    assert_false(text.failed);
    text_put(&text, "1");
    assert_true(text.failed);
    assert_int_equal(text.length, 10);
    text_clear(&text);
    text_put(&text, "1234567890");
    assert_false(text.failed);
    text_clear(&text);
    assert_null(text_reserve(&text, 11));
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(only_what_must_be_is_escaped),
        cmocka_unit_test(plain_bytes),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(integers),
        cmocka_unit_test(hexadecimal_digits),
        cmocka_unit_test(grows_and_is_used_again),
        cmocka_unit_test(long_strings),
        cmocka_unit_test(nothing_can_be_added_to_nothing),
        cmocka_unit_test(a_failure_stays),
        cmocka_unit_test(a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
