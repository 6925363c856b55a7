/* Tests of base64url without padding. */
#include "config.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jose.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Encodes into a buffer of which not a byte more than needed may change. */
static void assert_encoded(const void *data, size_t length, const char *wanted)
{
    char text[512];
    assert_int_equal(BASE64URL_LENGTH(length), strlen(wanted));
    memset(text, '#', sizeof text);
    base64url_encode(data, length, text);
    assert_memory_equal(text, wanted, strlen(wanted));
    assert_int_equal(text[strlen(wanted)], '#');
}

static void vectors_of_rfc_4648(void **state)
{
    (void)state;
    assert_encoded("", 0, "");
    assert_encoded("f", 1, "Zg");
    assert_encoded("fo", 2, "Zm8");
    assert_encoded("foo", 3, "Zm9v");
    assert_encoded("foob", 4, "Zm9vYg");
    assert_encoded("fooba", 5, "Zm9vYmE");
    assert_encoded("foobar", 6, "Zm9vYmFy");
}

static void example_of_rfc_7515(void **state)
{
    (void)state;
    assert_encoded((unsigned char[]){3, 236, 255, 224, 193}, 5, "A-z_4ME");
}

static void no_character_means_something_in_a_url(void **state)
{
    (void)state;
    assert_encoded("\xfb\xff\xbf", 3, "-_-_");
}

/* Every byte value at every length, against OpenSSL's base64 in the other alphabet. */
static void all_lengths(void **state)
{
    unsigned char data[257], plain[512];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 167 + 13);
    for (size_t length = 0; length <= sizeof data; length++) {
        EVP_EncodeBlock(plain, data, (int)length);
        char *wanted = (char *)plain;
        wanted[strcspn(wanted, "=")] = '\0';
        for (char *p = wanted; *p; p++)
            *p = *p == '+' ? '-' : (char)(*p == '/' ? '_' : *p);
        assert_encoded(data, length, wanted);
    }
}

/* Decodes from a text without a NUL into a buffer of which not a byte more than needed may
 * change. */
static void assert_decoded(const char *text, size_t length, const void *wanted, size_t wanted_len)
{
    unsigned char data[512];
    assert_int_equal(BASE64URL_BYTES(length), wanted_len);
    memset(data, '#', sizeof data);
    assert_int_equal(base64url_decode(text, length, data), 0);
    assert_memory_equal(data, wanted, wanted_len);
    assert_int_equal(data[wanted_len], '#');
}

static void decoding_undoes_encoding(void **state)
{
    unsigned char data[257];
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 167 + 13);
    for (size_t length = 0; length <= sizeof data; length++) {
        base64url_encode(data, length, text);
        assert_decoded(text, BASE64URL_LENGTH(length), data, length);
    }
}

/* Of all texts of two characters, those that encoding gives are taken and no others. */
static void one_text_for_one_byte(void **state)
{
    unsigned char data[2], taken = 0;
    size_t count = 0;
    (void)state;
    for (int i = 0; i < 65536; i++) {
        char text[2] = {(char)(i >> 8), (char)i}, again[2];
        if (base64url_decode(text, 2, data) < 0)
            continue;
        base64url_encode(data, 1, again);
        assert_memory_equal(again, text, 2);
        taken |= data[0];
        count++;
    }
    assert_int_equal(count, 256);
    assert_int_equal(taken, 255);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "Z",    "Zg=",  "Zg==", "Zh",    "Zm9=", "Zm9",  "Zm9vY",   "Zm8=",
        "Zm 8", "Zm8 ", " Zm8", "Zm8\n", "Zm+v", "Zm/v", "Zm9\xc3", "Zm.9",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        unsigned char data[16];
        if (base64url_decode(texts[i], strlen(texts[i]), data) != JOSE_INVALID)
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648),
        cmocka_unit_test(example_of_rfc_7515),
        cmocka_unit_test(no_character_means_something_in_a_url),
        cmocka_unit_test(all_lengths),
        cmocka_unit_test(decoding_undoes_encoding),
        cmocka_unit_test(one_text_for_one_byte),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
