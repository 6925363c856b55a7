/* Tests of agent/fetch/discovery.c: metadata and key sets, as they should be and otherwise. */
#include "config.h"
#include "agent/fetch/discovery.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ISSUER "https://op.example"
#define JWKS   "'jwks_uri': 'https://keys.example/jwks?v=1'"
/* RFC 7517 appendix A.1 */
#define EC                                                                                         \
    "'kty': 'EC', 'crv': 'P-256', 'x': 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',"             \
    " 'y': '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM'"
/* RFC 8037 appendix A.6 */
#define X25519 "'kty': 'OKP', 'crv': 'X25519', 'x': '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08'"

static struct jose *jose;
static char error[DISCOVERY_ERROR_MAX];

static int open_jose(void **state)
{
    (void)state;
    return jose_new(NULL, &jose);
}

static int close_jose(void **state)
{
    (void)state;
    jose_free(jose);
    return 0;
}

static void where_metadata_are(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {ISSUER, ISSUER "/.well-known/openid-configuration"},
        {ISSUER "/", ISSUER "/.well-known/openid-configuration"},
        {ISSUER "/a/b", ISSUER "/a/b/.well-known/openid-configuration"},
        {ISSUER "/a//", ISSUER "/a//.well-known/openid-configuration"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[DISCOVERY_URL_SIZE];
        discovery_url(cases[i][0], url);
        assert_string_equal(url, cases[i][1]);
    }
}

/* Of JSON in which ' stands for ". */
static int jwks_uri(const char *json, char **ret_uri)
{
    char *text = quoted(json);
    int r = discovery_jwks_uri(text, strlen(text), ISSUER, ret_uri, error);
    free(text);
    return r;
}

static void metadata(void **state)
{
    (void)state;
    char *uri = NULL;
    assert_int_equal(
        jwks_uri("{ 'issuer': '" ISSUER "', " JWKS ", 'scopes_supported': [ 'openid' ] }", &uri),
        0);
    assert_string_equal(uri, "https://keys.example/jwks?v=1");
    free(uri);
}

static void wrong_metadata(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "is no JSON"},
        {"{ 'issuer': '" ISSUER "', " JWKS, "is no JSON: line 1: "},
        {"{ 'issuer': '" ISSUER "', 'issuer': '" ISSUER "', " JWKS " }", "duplicate"},
        {"'" ISSUER "'", "is no JSON"},
        {"[]", "is no JSON object"},
        {"{ " JWKS " }", "has no \"issuer\""},
        {"{ 'issuer': null, " JWKS " }", "has no \"issuer\""},
        {"{ 'issuer': '" ISSUER "/', " JWKS " }", "is of another issuer: \"" ISSUER "/\""},
        {"{ 'issuer': '\xc2\x9b', " JWKS " }", "is of another issuer: \"\\u009B\""},
        {"{ 'issuer': '" ISSUER "' }", "has no \"jwks_uri\""},
        {"{ 'issuer': '" ISSUER "', 'jwks_uri': {} }", "has no \"jwks_uri\""},
        {"{ 'issuer': '" ISSUER "', 'jwks_uri': 'http://a' }", "\"jwks_uri\" is not https"},
        {"{ 'issuer': '" ISSUER "', 'jwks_uri': 'https://a/ b' }", "has a character"},
        {"{ 'issuer': '" ISSUER "', 'jwks_uri': 'https://\xc3\xbc' }", "has a character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *uri = NULL;
        assert_int_equal(jwks_uri(cases[i][0], &uri), -1);
        assert_null(uri);
        if (!strstr(error, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error);
    }
}

static bool without_use;

static int take_keys(const char *json, json_t **ret_keys, char left_out[static DISCOVERY_NOTE_MAX])
{
    char *text = quoted(json);
    int r = discovery_keys(jose, text, strlen(text), without_use, ret_keys, left_out, error);
    free(text);
    return r;
}

/* The keys that are taken from a set, as JSON. */
static void assert_keys(const char *set, const char *wanted, const char *wanted_left_out)
{
    json_t *keys = NULL;
    char left_out[DISCOVERY_NOTE_MAX] = "unset";
    if (take_keys(set, &keys, left_out) < 0)
        fail_msg("%s: %s", set, error);
    char *text = json_dumps(keys, JSON_COMPACT), *expected = quoted(wanted);
    assert_string_equal(text, expected);
    if (!strstr(left_out, wanted_left_out) || !left_out[0] != !wanted_left_out[0])
        fail_msg("%s: left out: %s", set, left_out);
    free(text);
    free(expected);
    json_decref(keys);
}

static void keys_to_encrypt_to(void **state)
{
    (void)state;
    static const char ec[] =
        "{'kty':'EC','crv':'P-256','x':'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',"
        "'y':'4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM','kid':'a','use':'enc'}";
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "[%s]", ec);
    assert_keys("{ 'keys': [ { 'use': 'enc', 'kid': 'a', 'x5t': 'no', " EC " } ], 'more': 1 }",
                wanted, "");
    assert_keys("{ 'keys': [ { 'use': 'sig', " EC " }, { 'use': 'enc', 'kid': 'a', " EC " } ] }",
                wanted, "");
    assert_keys("{ 'keys': [ { 'kty': 'new' }, { 'use': 'enc', 'kid': 'a', " EC " }, 7 ] }", wanted,
                "; keys[2]: ");
    snprintf(wanted, sizeof wanted,
             "[%s,{'kty':'OKP','crv':'X25519','x':'3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08',"
             "'alg':'ECDH-ES','key_ops':['deriveKey']}]",
             ec);
    assert_keys("{ 'keys': [ { 'use': 'enc', 'kid': 'a', " EC " },"
                "  { 'alg': 'ECDH-ES', 'key_ops': [ 'deriveKey' ], " X25519 " } ] }",
                wanted, "");
}

static void keys_that_do_not_say_what_they_are_for(void **state)
{
    (void)state;
    char *wanted = quoted("[ { " EC ", 'kid':'a' } ]");
    json_t *expected = json_loads(wanted, 0, NULL), *keys = NULL;
    char left_out[DISCOVERY_NOTE_MAX];
    without_use = true;
    int r = take_keys("{ 'keys': [ { 'kid': 'a', " EC " } ] }", &keys, left_out);
    without_use = false;
    assert_int_equal(r, 0);
    assert_true(json_equal(keys, expected));
    json_decref(keys);
    json_decref(expected);
    free(wanted);
}

static void sets_that_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "is no JSON"},
        {"[]", "is no JSON object"},
        {"{ 'keys': [ { 'use': 'enc', " EC " } ]", "is no JSON"},
        {"{ 'keys': 1 }", "array"},
        {"{ 'keys': [] }", "no keys"},
        {"{ 'keys': [ { 'use': 'sig', " EC " } ] }", "marked for encryption"},
        {"{ 'keys': [ { " EC " } ] }", "marked for encryption"},
        {"{ 'keys': [ { 'use': 'enc', 'alg': 'RSA1_5', " EC " } ] }", "fits"},
        {"{ 'keys': [ { 'use': 'enc', 'key_ops': [ 'sign' ], " EC " } ] }", "key_ops"},
        {"{ 'keys': [ { 'use': 'enc', " EC " }, { 'kty': 'oct', 'k': 'AA' } ] }", "secret"},
        {"{ 'keys': [ { 'use': 'enc', 'd': 'AA', " EC " } ] }", "private"},
        {"{ 'keys': [ { 'use': 'enc', 'kid': 'a', " EC " }, { 'kid': 'a', " X25519 " } ] }", "kid"},
        {"{ 'keys': [ { 'use': 'enc', 'kty': 'EC', 'crv': 'P-256',"
         "  'x': '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',"
         "  'y': '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' } ] }",
         ": keys[0]: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *keys = NULL;
        char left_out[DISCOVERY_NOTE_MAX];
        assert_int_equal(take_keys(cases[i][0], &keys, left_out), -1);
        assert_null(keys);
        if (!strstr(error, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error);
    }
}

static void many_keys_that_are_left_out(void **state)
{
    (void)state;
    char set[1024] = "{ 'keys': [ { 'use': 'enc', " EC " }";
    json_t *keys = NULL;
    char left_out[DISCOVERY_NOTE_MAX];
    for (size_t i = 0; i < 60; i++)
        strcat(set, ",{}");
    strcat(set, "] }");
    assert_int_equal(take_keys(set, &keys, left_out), 0);
    assert_int_equal(json_array_size(keys), 1);
    assert_int_equal(strlen(left_out), sizeof left_out - 1);
    json_decref(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_metadata_are),
        cmocka_unit_test(metadata),
        cmocka_unit_test(wrong_metadata),
        cmocka_unit_test(keys_to_encrypt_to),
        cmocka_unit_test(keys_that_do_not_say_what_they_are_for),
        cmocka_unit_test(sets_that_are_refused),
        cmocka_unit_test(many_keys_that_are_left_out),
    };
    return cmocka_run_group_tests(tests, open_jose, close_jose);
}
