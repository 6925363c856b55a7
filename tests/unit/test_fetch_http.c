/* Tests of agent/fetch/http.c: Cache-Control, and addresses that are not even tried. */
#include "config.h"
#include "agent/fetch/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void ages_of_cache_control(void **state)
{
    (void)state;
    static const struct {
        const char *cache_control;
        long age;
    } cases[] = {
        {"max-age=3600", 3600},
        {"public, max-age=15", 15},
        {"public,MAX-AGE=15,immutable", 15},
        {" ,\tmax-age=7 ,", 7},
        {"max-age=0", 0},
        {"max-age=100, max-age=50", 50},
        {"max-age=600, no-cache", 0},
        {"no-store", 0},
        {"No-Cache=\"set-cookie\"", 0},
        {"max-age=", 0},
        {"max-age=\"5\"", 0},
        {"max-age=-5", 0},
        {"max-age=12x", 0},
        {"max-age=99999999999999999999999", HTTP_MAX_AGE_MAX},
        {"", HTTP_MAX_AGE_UNSAID},
        {"public", HTTP_MAX_AGE_UNSAID},
        {"s-maxage=10, private", HTTP_MAX_AGE_UNSAID},
        {"x-max-age=10", HTTP_MAX_AGE_UNSAID},
        {"max-age", HTTP_MAX_AGE_UNSAID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (http_max_age(cases[i].cache_control) != cases[i].age)
            fail_msg("%s: %ld, not %ld", cases[i].cache_control,
                     http_max_age(cases[i].cache_control), cases[i].age);
}

static void addresses_that_are_not_tried(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://localhost/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "localhost/keys",
        "https://me@localhost/",
        "https://a:b@host/",
        "//localhost/",
        "https://",
        "https://localhost:99999/",
        "",
        "gopher://localhost",
        "https://[::1",
    };
    const struct http_settings settings = {.seconds = 1};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char error[HTTP_ERROR_MAX] = "";
        struct http_document document;
        assert_int_equal(http_get(&settings, urls[i], &document, error), -1);
        if (!strstr(error, "is no https URL without a user"))
            fail_msg("%s: %s", urls[i], error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_of_cache_control),
        cmocka_unit_test(addresses_that_are_not_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
