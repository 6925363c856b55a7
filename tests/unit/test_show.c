/* Tests of pkcs11/key/show.c: names from a token do not play with the terminal. */
#include "config.h"
#include "pkcs11/key/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void expect(const char *name, size_t length, const char *wanted)
{
    char text[SHOW_NAME_MAX];
    show_printable(name, length, text);
    assert_string_equal(text, wanted);
}

static void printable_names(void **state)
{
    (void)state;
    expect("", 0, "");
    expect("acme", 4, "acme");
    expect("two words", 9, "two words");
    expect("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    expect("\xf0\x9f\x94\x91", 4, "\xf0\x9f\x94\x91");
}

static void control_characters(void **state)
{
    (void)state;
    expect("a\x1b[31m", 6, "a\\x1b[31m");
    expect("a\nb\rc\td", 7, "a\\x0ab\\x0dc\\x09d");
    expect("a\0b", 3, "a\\x00b");
    expect("\x7f", 1, "\\x7f");
    expect("\xc2\x9b"
           "1m",
           4, "\\xc2\\x9b1m"); /* U+009B begins a sequence as well */
    expect("\xc2\xa0", 2, "\xc2\xa0");
    expect("\xc2", 1, "\xc2");
}

static void longest_name(void **state)
{
    (void)state;
    char name[OBJECT_LABEL_MAX], text[SHOW_NAME_MAX];
    memset(name, '\x1b', sizeof name);
    show_printable(name, sizeof name, text);
    assert_int_equal(strlen(text), SHOW_NAME_MAX - 1);
}

static void padded_names(void **state)
{
    static const struct {
        const char *name, *shown;
    } rows[] = {{"two words       ", "two words"},
                {"SW   TPM\0\0\0\0\0\0\0\0", "SW   TPM"},
                {"                ", ""},
                {" sixteen letters", " sixteen letters"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *text = show_padded((const CK_UTF8CHAR *)rows[i].name, 16);
        assert_string_equal(json_string_value(text), rows[i].shown);
        json_decref(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_names),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(longest_name),
        cmocka_unit_test(padded_names),
    };
    return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
