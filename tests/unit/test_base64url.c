/* Tests of base64url without padding. */
#include "config.h"
#include "agent/jose/base64url.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648),
        cmocka_unit_test(example_of_rfc_7515),
        cmocka_unit_test(no_character_means_something_in_a_url),
        cmocka_unit_test(all_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
