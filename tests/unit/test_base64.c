/* Tests of client/base64.c: the vectors of RFC 4648, and texts that are not canonical. */
#include "config.h"
#include "client/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void vectors(void **state)
{
    static const struct {
        const char *data, *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xef\xfe", "/+/+"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].data), text_len = strlen(rows[i].text);
        char text[9] = "";
        assert_int_equal(BASE64_LENGTH(length), text_len);
        base64_encode(rows[i].data, length, text);
        assert_memory_equal(text, rows[i].text, text_len);
        assert_int_equal(base64_decode(text, text_len, (unsigned char *)text), length);
        assert_memory_equal(text, rows[i].data, length);
    }
}

static void other_texts(void **state)
{
    static const char *const texts[] = {
        "Z",    "Zg",    "Zg=",    "=",        "====",     "Z===", "Zh==", "Zm9=",
        "-_-_", " Zg==", "Zg==\n", "Zg==Zg==", "Zm8=Zg==", "Z=g=", "Zg.=", "\xc3\xa4==",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[16];
        size_t length = strlen(texts[i]);
        memcpy(text, texts[i], length + 1);
        if (base64_decode(text, length, (unsigned char *)text) >= 0)
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
