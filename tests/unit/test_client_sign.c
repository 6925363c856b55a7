/* Tests of asking for signatures: what is sent, and which replies are taken. */
#include "config.h"
#include "client/hintsign.h"

#include "tests/unit/scripted_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define REPLY(signature) "{\"parameters\":{\"signature\":\"" signature "\",\"id\":7}}"
#define CALL(parameters) "{\"method\":\"io.hintsign.Agent.Sign\",\"parameters\":{" parameters "}}"

static struct scripted_script script;
static struct scripted_agent *agent;
static struct hintsign *handle;
static struct hintsign_signature *signature;

static int setup(void **state)
{
    (void)state;
    script = (struct scripted_script){.reply = REPLY("c2ln")};
    agent = scripted_agent_start(scripted_serve_same, &script);
    return hintsign_open(scripted_path(), &handle);
}

static int teardown(void **state)
{
    (void)state;
    hintsign_close(handle);
    scripted_agent_stop(agent);
    return 0;
}

static int sign(const struct hintsign_sign_request *request)
{
    signature = NULL;
    return hintsign_sign(handle, request, &signature);
}

static void what_is_sent(void **state)
{
    (void)state;
    struct hintsign_sign_request request = {
        .profile = "p", .algorithm = "ES256", .data = "\xff\xef\xfe!", .data_length = 4};
    assert_int_equal(sign(&request), HINTSIGN_OK);
    assert_string_equal(script.last, CALL("\"profile\":\"p\",\"algorithm\":\"ES256\","
                                          "\"data\":\"/+/+IQ==\""));
    hintsign_signature_free(signature);
    request.data_length = 0;
    request.reference = "r";
    assert_int_equal(sign(&request), HINTSIGN_OK);
    assert_string_equal(script.last, CALL("\"profile\":\"p\",\"algorithm\":\"ES256\","
                                          "\"data\":\"\",\"reference\":\"r\""));
    hintsign_signature_free(signature);
    request = (struct hintsign_sign_request){
        .profile = "p", .algorithm = "RS256", .digest = "12345", .digest_length = 5};
    assert_int_equal(sign(&request), HINTSIGN_OK);
    assert_string_equal(script.last, CALL("\"profile\":\"p\",\"algorithm\":\"RS256\","
                                          "\"digest\":\"MTIzNDU=\""));
    hintsign_signature_free(signature);
}

static void what_is_not_sent(void **state)
{
    static const struct hintsign_sign_request requests[] = {
        {.algorithm = "ES256", .data = ""},
        {.profile = "p", .data = ""},
        {.profile = "p", .algorithm = "ES256"},
        {.profile = "p", .algorithm = "ES256", .data = "", .digest = ""},
        {.profile = "p", .algorithm = "ES256", .data = "", .data_length = HINTSIGN_DATA_MAX + 1},
        {.profile = "p\xff", .algorithm = "ES256", .data = ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_int_equal(sign(&requests[i]), HINTSIGN_INVALID);
    assert_string_equal(script.last, "");
    hintsign_signature_free(NULL);
}

static void the_most_that_can_be_sent(void **state)
{
    (void)state;
    unsigned char *data = calloc(1, HINTSIGN_DATA_MAX);
    assert_non_null(data);
    struct hintsign_sign_request request = {
        .profile = "p", .algorithm = "EdDSA", .data = data, .data_length = HINTSIGN_DATA_MAX};
    assert_int_equal(sign(&request), HINTSIGN_OK);
    hintsign_signature_free(signature);
    free(data);
}

static void replies(void **state)
{
    static const struct {
        const char *reply;
        int code;
    } rows[] = {
        {REPLY("AP+A"), HINTSIGN_OK},
        {REPLY(""), HINTSIGN_PROTOCOL},
        {REPLY("AP-A"), HINTSIGN_PROTOCOL},
        {REPLY("AP8"), HINTSIGN_PROTOCOL},
        {REPLY("AP9="), HINTSIGN_PROTOCOL},
        {REPLY("AP=="), HINTSIGN_PROTOCOL},
        {REPLY("A==="), HINTSIGN_PROTOCOL},
        {REPLY("AA==AP+A"), HINTSIGN_PROTOCOL},
        {REPLY("AP+A\\n"), HINTSIGN_PROTOCOL},
        {"{\"parameters\":{\"id\":7}}", HINTSIGN_PROTOCOL},
        {"{\"parameters\":{\"signature\":\"AP+A\"}}", HINTSIGN_PROTOCOL},
        {"{\"parameters\":{\"signature\":1,\"id\":7}}", HINTSIGN_PROTOCOL},
        {"{\"error\":\"io.hintsign.Agent.NotAllowed\",\"parameters\":{}}", HINTSIGN_REFUSED},
    };
    (void)state;
    struct hintsign_sign_request request = {.profile = "p", .algorithm = "a", .data = ""};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        script.reply = rows[i].reply;
        if (sign(&request) != rows[i].code)
            fail_msg("%s: %s", rows[i].reply, hintsign_last_error(handle)->message);
        if (!signature)
            continue;
        assert_int_equal(signature->length, 3);
        assert_memory_equal(signature->bytes, "\x00\xff\x80", 3);
        assert_int_equal(signature->id, 7);
        hintsign_signature_free(signature);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_sent),
        test(what_is_not_sent),
        test(the_most_that_can_be_sent),
        test(replies),
    };
    return cmocka_run_group_tests(tests, NULL, scripted_remove);
}
