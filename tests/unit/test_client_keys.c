/* Tests of asking for public keys: what is sent, which sets are taken and which are not. */
#include "config.h"
#include "client/hintsign.h"

#include "tests/unit/scripted_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define REPLY(jwks) "{\"parameters\":{\"jwks\":" jwks "}}"
#define EC          "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"kid\":\"k\"}"
#define RSA         "{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}"

static struct hintsign *open_handle(void)
{
    struct hintsign *handle;
    assert_int_equal(hintsign_open(scripted_path(), &handle), HINTSIGN_OK);
    return handle;
}

static void profile_is_sent_where_it_is_named(void **state)
{
    struct scripted_script script = {.reply = REPLY("{\"keys\":[]}")};
    struct scripted_agent *agent = scripted_agent_start(scripted_serve_same, &script);
    struct hintsign *handle = open_handle();
    char *json;
    (void)state;
    assert_int_equal(hintsign_keys(handle, "hints \"1\"", &json), HINTSIGN_OK);
    assert_string_equal(script.last, "{\"method\":\"io.hintsign.Agent.GetKeys\",\"parameters\":"
                                     "{\"profile\":\"hints \\\"1\\\"\"}}");
    free(json);
    assert_int_equal(hintsign_keys(handle, NULL, &json), HINTSIGN_OK);
    assert_string_equal(script.last,
                        "{\"method\":\"io.hintsign.Agent.GetKeys\",\"parameters\":{}}");
    free(json);
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

/* A profile that cannot be named must not become the question for all keys. */
static void bad_profile_asks_nobody(void **state)
{
    struct scripted_script script = {.reply = REPLY("{\"keys\":[]}")};
    struct scripted_agent *agent = scripted_agent_start(scripted_serve_same, &script);
    struct hintsign *handle = open_handle();
    char *json = NULL;
    (void)state;
    assert_int_equal(hintsign_keys(handle, "\xff", &json), HINTSIGN_INVALID);
    assert_string_equal(hintsign_last_error(handle)->name, "Invalid");
    assert_null(json);
    hintsign_close(handle);
    scripted_agent_stop(agent);
    assert_string_equal(script.last, "");
}

static void sets_are_given_as_they_are(void **state)
{
    static const char *const sets[] = {
        "{\"keys\":[]}",
        "{\"keys\":[" EC "," RSA "]}",
        "{\"new\":1,\"keys\":[{\"kty\":\"new\",\"x5c\":[\"\xc3\xa4\"]}]}",
    };
    struct hintsign *handle = open_handle();
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char reply[512] = "{ \"parameters\": { \"new\": 1, \"jwks\": ", *json;
        struct scripted_script script = {.reply = strcat(strcat(reply, sets[i]), " } }")};
        struct scripted_agent *agent = scripted_agent_start(scripted_serve_same, &script);
        assert_int_equal(hintsign_keys(handle, "hints", &json), HINTSIGN_OK);
        assert_string_equal(json, sets[i]);
        free(json);
        scripted_agent_stop(agent);
    }
    hintsign_close(handle);
}

struct bad_reply {
    const char *reply;
    const char *part; /* of the message */
};

#define NO_SET "not a JWK Set"
#define NO_KEY "not a key"
static const struct bad_reply bad_replies[] = {
    {"{\"parameters\":{}}", NO_SET},
    {REPLY("null"), NO_SET},
    {REPLY("[" EC "]"), NO_SET},
    {REPLY("\"{\\\"keys\\\":[]}\""), NO_SET},
    {REPLY("{}"), NO_SET},
    {REPLY("{\"keys\":null}"), NO_SET},
    {REPLY("{\"keys\":" EC "}"), NO_SET},
    {REPLY("{\"keys\":[" EC ",null]}"), NO_KEY},
    {REPLY("{\"keys\":[[]]}"), NO_KEY},
    {REPLY("{\"keys\":[\"kty\"]}"), NO_KEY},
    {REPLY("{\"keys\":[{}]}"), NO_KEY},
    {REPLY("{\"keys\":[{\"kty\":5}]}"), NO_KEY},
    {REPLY("{\"keys\":[" EC ",{\"kty\":\"EC\",\"d\":\"AA\"}]}"), "it has 'd'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"p\":\"AA\"}]}"), "it has 'p'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"q\":\"AA\"}]}"), "it has 'q'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"dp\":\"AA\"}]}"), "it has 'dp'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"dq\":\"AA\"}]}"), "it has 'dq'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"qi\":\"AA\"}]}"), "it has 'qi'"},
    {REPLY("{\"keys\":[{\"kty\":\"RSA\",\"oth\":[]}]}"), "it has 'oth'"},
    {REPLY("{\"keys\":[{\"kty\":\"oct\",\"k\":null}]}"), "it has 'k'"},
    {"{\"parameters\":{\"jwks\":{\"keys\":[" EC "],\"keys\":[]}}}", "not a JSON object"},
};

static void bad_sets_are_refused(void **state)
{
    struct hintsign *handle = open_handle();
    const struct hintsign_error *error = hintsign_last_error(handle);
    (void)state;
    for (size_t i = 0; i < sizeof bad_replies / sizeof *bad_replies; i++) {
        struct scripted_script script = {.reply = bad_replies[i].reply};
        struct scripted_agent *agent = scripted_agent_start(scripted_serve_same, &script);
        char *json = NULL;
        int code = hintsign_keys(handle, NULL, &json);
        if (code != HINTSIGN_PROTOCOL || !strstr(error->message, bad_replies[i].part))
            fail_msg("%s: code %d, \"%s\"", script.reply, code, error->message);
        assert_int_equal(error->code, HINTSIGN_PROTOCOL);
        assert_null(json);
        scripted_agent_stop(agent);
    }
    hintsign_close(handle);
}

static void refusal_is_told(void **state)
{
    struct scripted_script script = {.reply = "{\"error\":\"io.hintsign.Agent.NotAllowed\","
                                              "\"parameters\":{\"message\":\"No.\"}}"};
    struct scripted_agent *agent = scripted_agent_start(scripted_serve_same, &script);
    struct hintsign *handle = open_handle();
    char *json = NULL;
    (void)state;
    assert_int_equal(hintsign_keys(handle, "acme", &json), HINTSIGN_REFUSED);
    assert_string_equal(hintsign_last_error(handle)->name, "NotAllowed");
    assert_null(json);
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_is_sent_where_it_is_named),
        cmocka_unit_test(bad_profile_asks_nobody),
        cmocka_unit_test(sets_are_given_as_they_are),
        cmocka_unit_test(bad_sets_are_refused),
        cmocka_unit_test(refusal_is_told),
    };
    return cmocka_run_group_tests_name("client keys", tests, NULL, scripted_remove);
}
