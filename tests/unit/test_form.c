/* Tests of the forms of claim values, at their edges. */
#include "config.h"
#include "agent/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* A value has the form when it is text at all and the form matches: as policy.c asks. */
static bool has_form(const char *form, const char *value, size_t length)
{
    return form_is_text(value, length) && form_find(form)->matches(value, length);
}

struct values {
    const char *form;
    const char *good[16];
    const char *bad[28];
};

static const struct values values[] = {
    {"string",
     {"x", " ", "O'Brien \"Bob\" \\", "\x7f", "\xe2\x80\xa8", "\xf0\x9f\x98\x80", "\xc2\x85"},
     {"", "\n", "a\tb", "a\x1f", "\x01", "tail\r"}},
    {"email",
     {"a@b", "bob@example.com", "b.o+b@ex-ample.com", "o'brien@example.com", "\xc3\xa9@x.se",
      "a@\xc3\xa5.se"},
     {"",       "@",       "a@",     "@b",     "ab",    "a@b@c", "a b@c", "a@b ",
      " a@b",   "\"a\"@b", "a(x)@b", "a,b@c",  "a:b@c", "a;b@c", "<a@b>", "a@[127.0.0.1]",
      "a\\b@c", "a@b\n",   "a\t@b",  "a@b\x7f"}},
    {"e164",
     {"+12", "+46", "+46701234567", "+123456789012345"},
     {"", "+", "+1", "1", "12", "46701234567", "0046701234567", "+0123", "+00", "+1234567890123456",
      "+46 70", "+46-70", "+46701234567 ", " +46701234567", "+4670123456a", "++4670",
      "+\xd9\xa1\xd9\xa2\xd9\xa3", "+46(70)1", "+46\n"}},
    {"uuid",
     {"FEFC9E8B-062B-DF44-FDF0-39FC52AE2B58", "fefc9e8b-062b-df44-fdf0-39fc52ae2b58",
      "00000000-0000-0000-0000-000000000000", "ffffffff-FFFF-ffff-FFFF-ffffffffffff"},
     {"", "fefc9e8b062bdf44fdf039fc52ae2b58", "{fefc9e8b-062b-df44-fdf0-39fc52ae2b58}",
      "fefc9e8b-062b-df44-fdf0-39fc52ae2b5", "fefc9e8b-062b-df44-fdf0-39fc52ae2b588",
      "fefc9e8b-062b-df44-fdf0-39fc52ae2b5g", "fefc9e8b-062b-df44-fdf039fc-52ae2b58",
      "fefc9e8b 062b-df44-fdf0-39fc52ae2b58", "-efc9e8b-062b-df44-fdf0-39fc52ae2b58"}},
    {"uri",
     {"https://example.com/", "urn:uuid:1", "a:b", "did:web:x", "tel:+46701234567", "a1+-.:x",
      "mailto:a@b?x=%20#f", "http://[::1]/", "A:~"},
     {"",       ":",        "a:",    "a",          "1a:b",       "+a:b",    "-a:b",  ".a:b",
      "://x",   "https//x", "a b:c", "a:b c",      "a:<b>",      "a:\"b\"", "a:{b}", "a:b|c",
      "a:b\\c", "a:^",      "a:`",   "a:\xc3\xa9", "\xc3\xa9:a", "a:\x7f",  "a:b\n", "a_b:c"}},
};

static void each_form_at_its_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct values *row = &values[i];
        for (size_t j = 0; j < 16 && row->good[j]; j++)
            if (!has_form(row->form, row->good[j], strlen(row->good[j])))
                fail_msg("%s refuses \"%s\"", row->form, row->good[j]);
        for (size_t j = 0; j < 28 && row->bad[j]; j++)
            if (has_form(row->form, row->bad[j], strlen(row->bad[j])))
                fail_msg("%s takes \"%s\"", row->form, row->bad[j]);
    }
}

/* The table above has a row for each form of text, so a new one needs one too. */
static void every_form_of_text_is_tested(void **state)
{
    size_t texts = 0;
    (void)state;
    for (size_t i = 0; form_at(i); i++) {
        assert_ptr_equal(form_find(form_at(i)->name), form_at(i));
        if (form_at(i)->type == FORM_TEXT)
            assert_string_equal(values[texts++].form, form_at(i)->name);
    }
    assert_int_equal(texts, sizeof values / sizeof values[0]);
    assert_null(form_at(SIZE_MAX));
    assert_null(form_find("String"));
    assert_null(form_find(""));
}

static void no_control_character_is_text(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x100; c++) {
        char value[] = {'a', (char)c, 'b'};
        assert_int_equal(form_is_text(value, sizeof value), c >= 0x20);
    }
}

/* Bytes count, not characters. */
static void lengths(void **state)
{
    char value[FORM_VALUE_MAX + 1];
    (void)state;
    memset(value, 'x', sizeof value);
    assert_int_equal(FORM_VALUE_MAX, 1024);
    assert_false(form_is_text(value, 0));
    assert_true(form_is_text(value, 1));
    assert_true(form_is_text(value, 1024));
    assert_false(form_is_text(value, 1025));

    memcpy(value, "a:", 2);
    assert_true(has_form("uri", value, 1024));
    assert_false(has_form("uri", value, 1025));

    memcpy(value, "a@", 2); /* RFC 5321 section 4.5.3.1.3 leaves 254 for an address */
    assert_true(has_form("email", value, 254));
    assert_false(has_form("email", value, 255));
}

/* The length decides, not a NUL; values come from JSON but nothing here relies on it. */
static void a_nul_is_no_end(void **state)
{
    (void)state;
    assert_false(has_form("email", "a@b\0c", 5));
    assert_false(has_form("uri", "a:b\0c", 5));
    assert_false(has_form("e164", "+123\0", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_at_its_edges),
        cmocka_unit_test(every_form_of_text_is_tested),
        cmocka_unit_test(no_control_character_is_text),
        cmocka_unit_test(lengths),
        cmocka_unit_test(a_nul_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
