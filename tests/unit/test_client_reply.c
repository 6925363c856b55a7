/* Tests of the library against an agent that replies wrongly, or with an error. */
#include "config.h"
#include "client/hintsign.h"
#include "client/reply.h"
#include "client/varlink.h"

#include "tests/unit/scripted_agent.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TOKEN          "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"
#define REPLY(members) "{\"parameters\":{" members "}}"
#define GOOD           REPLY("\"token\":\"" TOKEN "\",\"id\":7")

/* Bytes that the agent sends for each request. */
struct script {
    const char *bytes;
    size_t length;
};

static void serve(struct scripted_connection *connection, void *data)
{
    const struct script *script = data;
    while (scripted_read(connection))
        if (!scripted_write(connection, script->bytes, script->length))
            return;
}

static struct hintsign *open_handle(void)
{
    struct hintsign *handle;
    assert_int_equal(hintsign_open(scripted_path(), &handle), HINTSIGN_OK);
    return handle;
}

/* Mints with an agent that replies these bytes. *handle gets the handle, which holds the error. */
static int mint(const char *bytes, size_t length, struct hintsign *handle,
                struct hintsign_token **ret_token)
{
    struct script script = {bytes, length};
    struct scripted_agent *agent = scripted_agent_start(serve, &script);
    int code = hintsign_mint(handle, &(struct hintsign_request){.profile = "acme"}, ret_token);
    scripted_agent_stop(agent);
    return code;
}

struct bad_reply {
    const char *reply; /* without its NUL */
    const char *part;  /* of the message */
};

static const struct bad_reply bad_replies[] = {
    {"", "not a JSON object"},
    {"garbage", "not a JSON object"},
    {"[1]", "not a JSON object"},
    {"\"string\"", "not a JSON object"},
    {GOOD GOOD, "not a JSON object"},
    {GOOD " x", "not a JSON object"},
    {"{\"parameters\":{\"token\":\"" TOKEN "\",\"id\":7}", "not a JSON object"},
    {"{\"parameters\":{\"token\":\"\xff\",\"id\":7}}", "not a JSON object"},
    {"{\"parameters\":{},\"parameters\":{}}", "not a JSON object"},
    {REPLY("\"token\":\"a.b.c\",\"token\":\"" TOKEN "\",\"id\":7"), "not a JSON object"},
    {REPLY("\"token\":\"" TOKEN "\\u0000x\",\"id\":7"), "not a JSON object"},
    {REPLY("\"token\":\"" TOKEN "\",\"id\":99999999999999999999"), "'id' is not an integer"},
    {"{}", "neither parameters nor an error"},
    {"{\"parameters\":null}", "not an object"},
    {"{\"parameters\":[]}", "not an object"},
    {"{\"parameters\":\"" TOKEN "\"}", "not an object"},
    {"{\"continues\":true,\"parameters\":{\"token\":\"" TOKEN "\",\"id\":7}}", "more replies"},
    {REPLY(""), "lacks 'token'"},
    {REPLY("\"id\":7"), "lacks 'token'"},
    {REPLY("\"token\":null,\"id\":7"), "lacks 'token'"},
    {REPLY("\"token\":5,\"id\":7"), "'token' is not a string"},
    {REPLY("\"token\":\"\",\"id\":7"), "not a token"},
    {REPLY("\"token\":\"a.b.c d\",\"id\":7"), "not a token"},
    {REPLY("\"token\":\"a.b.c\\r\\nSet-Cookie: x=y\",\"id\":7"), "not a token"},
    {REPLY("\"token\":\"a.b.c&d=e\",\"id\":7"), "not a token"},
    {REPLY("\"token\":\"" TOKEN "\""), "lacks 'id'"},
    {REPLY("\"token\":\"" TOKEN "\",\"id\":\"7\""), "'id' is not an integer"},
    {REPLY("\"token\":\"" TOKEN "\",\"id\":7.5"), "'id' is not an integer"},
    {REPLY("\"token\":\"" TOKEN "\",\"id\":7,\"kid\":{}"), "'kid' is not a string"},
    {REPLY("\"token\":\"" TOKEN "\",\"id\":7,\"expires_at\":\"1\""), "'expires_at' is not"},
    {"{\"error\":5}", "something else than a string"},
    {"{\"error\":null,\"parameters\":{}}", "something else than a string"},
    {"{\"error\":\"io.hintsign.Agent.Internal\",\"parameters\":[]}", "not an object"},
    {"{\"error\":\"io.hintsign.Agent.Internal\",\"parameters\":{\"message\":1}}", "wrong type"},
    {"{\"error\":\"x\",\"parameters\":{\"retry_after_ms\":\"1\"}}", "wrong type"},
    {"{\"error\":\"x\",\"parameters\":{\"retry_after_ms\":-1}}", "wrong type"},
};

static void expect_protocol(struct hintsign *handle, int code, const char *part)
{
    const struct hintsign_error *error = hintsign_last_error(handle);
    assert_int_equal(code, HINTSIGN_PROTOCOL);
    assert_int_equal(error->code, HINTSIGN_PROTOCOL);
    assert_string_equal(error->name, "Protocol");
    if (!strstr(error->message, part))
        fail_msg("\"%s\" lacks \"%s\"", error->message, part);
}

static void bad_replies_are_refused(void **state)
{
    struct hintsign *handle = open_handle();
    (void)state;
    for (size_t i = 0; i < sizeof bad_replies / sizeof *bad_replies; i++) {
        struct hintsign_token *token = NULL;
        const char *reply = bad_replies[i].reply;
        int code = mint(reply, strlen(reply) + 1, handle, &token);
        if (code != HINTSIGN_PROTOCOL)
            print_error("reply: %s\n", reply);
        expect_protocol(handle, code, bad_replies[i].part);
        assert_null(token);
    }
    hintsign_close(handle);
}

static void deep_reply_is_refused(void **state)
{
    static char reply[1000 * 1000];
    struct hintsign *handle = open_handle();
    struct hintsign_token *token;
    (void)state;
    memset(reply, '[', sizeof reply - 1);
    expect_protocol(handle, mint(reply, sizeof reply, handle, &token), "not a JSON object");
    hintsign_close(handle);
}

/* As many values as a reply may have, and one more. */
static void most_values(void **state)
{
    static const char before[] = "{\"parameters\":{\"token\":\"" TOKEN "\",\"id\":1,\"more\":[0";
    size_t known = 6; /* values so far; each ",0" is another */
    size_t length = sizeof before - 1 + 2 * (REPLY_VALUES_MAX + 1 - known) + sizeof "]}}";
    char *reply = malloc(length);
    (void)state;
    for (size_t values = REPLY_VALUES_MAX; values <= REPLY_VALUES_MAX + 1; values++) {
        struct hintsign *handle = open_handle();
        struct hintsign_token *token = NULL;
        char *end = stpcpy(reply, before);
        for (size_t i = known; i < values; i++)
            end = stpcpy(end, ",0");
        end = stpcpy(end, "]}}");
        if (values == REPLY_VALUES_MAX)
            assert_int_equal(mint(reply, (size_t)(end + 1 - reply), handle, &token), HINTSIGN_OK);
        else
            expect_protocol(handle, mint(reply, (size_t)(end + 1 - reply), handle, &token),
                            "not a JSON object");
        hintsign_token_free(token);
        hintsign_close(handle);
    }
    free(reply);
}

/* One byte more than a reply may have, of a message without an end. */
static void endless_reply_is_refused(void **state)
{
    char *reply = malloc(VARLINK_REPLY_MAX + 1);
    struct hintsign *handle = open_handle();
    struct hintsign_token *token;
    (void)state;
    memset(reply, ' ', VARLINK_REPLY_MAX + 1);
    expect_protocol(handle, mint(reply, VARLINK_REPLY_MAX + 1, handle, &token),
                    "longer than 16777216 bytes");
    hintsign_close(handle);
    free(reply);
}

static void longest_reply_is_taken(void **state)
{
    char *reply = malloc(VARLINK_REPLY_MAX);
    struct hintsign *handle = open_handle();
    struct hintsign_token *token = NULL;
    (void)state;
    memset(reply, ' ', VARLINK_REPLY_MAX);
    memcpy(reply, GOOD, sizeof GOOD - 1);
    reply[VARLINK_REPLY_MAX - 1] = '\0';
    assert_int_equal(mint(reply, VARLINK_REPLY_MAX, handle, &token), HINTSIGN_OK);
    assert_string_equal(token->jwt, TOKEN);
    hintsign_token_free(token);
    hintsign_close(handle);
    free(reply);
}

/* Sent at once with the reply, so that they arrive together. */
static void extra_bytes_are_refused(void **state)
{
    static const char half[] = GOOD "\0{";
    static const char two[] = GOOD "\0" GOOD;
    struct hintsign *handle = open_handle();
    struct hintsign_token *token = NULL;
    (void)state;
    expect_protocol(handle, mint(half, sizeof half - 1, handle, &token), "more than was asked");
    expect_protocol(handle, mint(two, sizeof two, handle, &token), "more than was asked");
    assert_null(token);
    hintsign_close(handle);
}

struct late {
    sem_t ask;
    sem_t sent;
};

static void serve_late(struct scripted_connection *connection, void *data)
{
    struct late *late = data;
    while (scripted_read(connection)) {
        scripted_reply(connection, GOOD);
        if (connection->number == 0) {
            sem_wait(&late->ask);
            scripted_reply(connection, GOOD);
            sem_post(&late->sent);
        }
    }
}

/* A reply that nobody asked for must not become the answer to the next request. */
static void unasked_reply_is_refused(void **state)
{
    struct late late;
    sem_init(&late.ask, 0, 0);
    sem_init(&late.sent, 0, 0);
    struct scripted_agent *agent = scripted_agent_start(serve_late, &late);
    struct hintsign *handle = open_handle();
    struct hintsign_request request = {.profile = "acme"};
    struct hintsign_token *token;
    (void)state;
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
    hintsign_token_free(token);
    sem_post(&late.ask);
    sem_wait(&late.sent);
    expect_protocol(handle, hintsign_mint(handle, &request, &token), "nobody asked for");
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
    hintsign_token_free(token);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 2);
}

static void good_replies(void **state)
{
    static const char *const replies[] = {
        GOOD,
        "{\"new\":[1],\"continues\":false,\"parameters\":"
        "{\"new\":1,\"token\":\"" TOKEN "\",\"id\":7}}",
        REPLY("\"token\":\"" TOKEN "\",\"id\":7,\"expires_at\":null,\"kid\":null"),
    };
    struct hintsign *handle = open_handle();
    struct hintsign_token *token;
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        assert_int_equal(mint(replies[i], strlen(replies[i]) + 1, handle, &token), HINTSIGN_OK);
        assert_string_equal(token->jwt, TOKEN);
        assert_int_equal(token->id, 7);
        assert_int_equal(token->expires_at, 0);
        assert_null(token->kid);
        hintsign_token_free(token);
    }
    static const char full[] =
        REPLY("\"token\":\"" TOKEN "\",\"id\":7,\"expires_at\":1300819391,\"kid\":\"k 1\"");
    assert_int_equal(mint(full, sizeof full, handle, &token), HINTSIGN_OK);
    assert_int_equal(token->expires_at, 1300819391);
    assert_string_equal(token->kid, "k 1");
    hintsign_token_free(token);
    hintsign_token_free(NULL);
    hintsign_close(handle);
}

static void serve_bytes(struct scripted_connection *connection, void *data)
{
    (void)data;
    while (scripted_read(connection))
        for (size_t i = 0; i < sizeof GOOD; i++)
            scripted_write(connection, &GOOD[i], 1);
}

static void reply_comes_byte_by_byte(void **state)
{
    struct scripted_agent *agent = scripted_agent_start(serve_bytes, NULL);
    struct hintsign *handle = open_handle();
    struct hintsign_request request = {.profile = "acme"};
    struct hintsign_token *token;
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
        hintsign_token_free(token);
    }
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
}

struct agent_error {
    const char *name;
    int code;
};

static const struct agent_error agent_errors[] = {
    {"NotAllowed", HINTSIGN_REFUSED},
    {"InvalidClaim", HINTSIGN_REFUSED},
    {"UnknownAudience", HINTSIGN_REFUSED},
    {"InvalidMessage", HINTSIGN_REFUSED},
    {"RateLimited", HINTSIGN_UNAVAILABLE},
    {"Locked", HINTSIGN_UNAVAILABLE},
    {"TokenUnavailable", HINTSIGN_UNAVAILABLE},
    {"KeyUnavailable", HINTSIGN_UNAVAILABLE},
    {"EncryptionKeyUnavailable", HINTSIGN_UNAVAILABLE},
    {"AuditUnavailable", HINTSIGN_UNAVAILABLE},
    {"Overloaded", HINTSIGN_UNAVAILABLE},
    {"Internal", HINTSIGN_UNAVAILABLE},
};

static int error_of(struct hintsign *handle, const char *format, const char *name)
{
    struct hintsign_token *token;
    char reply[4096];
    snprintf(reply, sizeof reply, format, name);
    return mint(reply, strlen(reply) + 1, handle, &token);
}

static void errors_of_the_interface(void **state)
{
    struct hintsign *handle = open_handle();
    const struct hintsign_error *error = hintsign_last_error(handle);
    (void)state;
    for (size_t i = 0; i < sizeof agent_errors / sizeof *agent_errors; i++) {
        const struct agent_error *wanted = &agent_errors[i];
        int code = error_of(handle,
                            "{\"error\":\"io.hintsign.Agent.%s\","
                            "\"parameters\":{\"message\":\"No.\",\"claim\":null}}",
                            wanted->name);
        assert_int_equal(code, wanted->code);
        assert_int_equal(error->code, wanted->code);
        assert_string_equal(error->name, wanted->name);
        assert_string_equal(error->message, "No.");
        assert_int_equal(error->retry_after_ms, -1);
    }
    hintsign_close(handle);
}

/* Every error that the interface has is in the list above. */
static void no_error_is_forgotten(void **state)
{
    FILE *file = fopen(INTERFACE_FILE, "r");
    char line[1024], name[64];
    size_t count = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "error %63[A-Za-z]", name) != 1)
            continue;
        count++;
        size_t i = 0;
        while (i < sizeof agent_errors / sizeof *agent_errors &&
               strcmp(agent_errors[i].name, name) != 0)
            i++;
        if (i == sizeof agent_errors / sizeof *agent_errors)
            fail_msg("nobody tests the error %s", name);
    }
    fclose(file);
    assert_int_equal(count, sizeof agent_errors / sizeof *agent_errors);
}

static void other_errors(void **state)
{
    struct hintsign *handle = open_handle();
    const struct hintsign_error *error = hintsign_last_error(handle);
    (void)state;
    assert_int_equal(error_of(handle,
                              "{\"error\":\"org.varlink.service.%s\","
                              "\"parameters\":{\"parameter\":\"profile\"}}",
                              "InvalidParameter"),
                     HINTSIGN_REFUSED);
    assert_string_equal(error->name, "InvalidParameter");
    assert_string_equal(error->message, "the agent does not accept the parameter 'profile'");

    assert_int_equal(error_of(handle,
                              "{\"error\":\"io.hintsign.Agent.InvalidClaim\","
                              "\"parameters\":{\"message\":\"No.\",\"claim\":\"%s\"}}",
                              "sub"),
                     HINTSIGN_REFUSED);
    assert_string_equal(error->message, "sub: No.");

    /* Newer than the library: what the agent advises decides. */
    assert_int_equal(error_of(handle,
                              "{\"error\":\"io.hintsign.Agent.%s\","
                              "\"parameters\":{\"message\":\"m\",\"retry_after_ms\":40}}",
                              "Newest"),
                     HINTSIGN_UNAVAILABLE);
    assert_int_equal(error->retry_after_ms, 40);
    assert_int_equal(error_of(handle, "{\"error\":\"%s\"}", "Bare"), HINTSIGN_REFUSED);
    assert_string_equal(error->name, "Bare");
    assert_string_equal(error->message, hintsign_strerror(HINTSIGN_REFUSED));
    assert_int_equal(error_of(handle, "{\"error\":\"%s\"}", ""), HINTSIGN_REFUSED);
    hintsign_close(handle);
}

static void messages_are_safe_to_show(void **state)
{
    struct hintsign *handle = open_handle();
    const struct hintsign_error *error = hintsign_last_error(handle);
    (void)state;
    error_of(handle,
             "{\"error\":\"a.b\\u001b[31m\",\"parameters\":{\"message\":"
             "\"a\\u001b[31m\\n\\u007f\\u009b%s\"}}",
             "\xc3\xa4\xe2\x82\xac");
    assert_string_equal(error->name, "b?[31m");
    assert_string_equal(error->message, "a?[31m????\xc3\xa4\xe2\x82\xac");
    /* A long one is cut between characters, whatever the cut hits. */
    for (int shift = 0; shift < 3; shift++) {
        char text[3 * 1000 + 3] = "ab";
        for (int i = 0; i < 1000; i++)
            memcpy(text + shift + 3 * i, "\xe2\x82\xac", 4);
        error_of(handle, "{\"error\":\"a.b\",\"parameters\":{\"message\":\"%s\"}}", text);
        size_t length = strlen(error->message);
        assert_int_equal((length - (size_t)shift) % 3, 0);
        assert_true(length > 500);
        assert_memory_equal(error->message, text, length);
    }
    hintsign_close(handle);
}

static void texts_are_checked(void **state)
{
    static const char *const replies[] = {
        REPLY(""),
        REPLY("\"profiles\":{}"),
        REPLY("\"version\":1,\"ready\":true,\"configuration\":1,\"tokens\":[],\"profiles\":{}"),
    };
    struct hintsign *handle = open_handle();
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct script script = {replies[i], strlen(replies[i]) + 1};
        struct scripted_agent *agent = scripted_agent_start(serve, &script);
        char *json = NULL;
        expect_protocol(handle, hintsign_profiles(handle, &json), "the agent's reply");
        expect_protocol(handle, hintsign_status(handle, &json), "the agent's reply");
        assert_null(json);
        scripted_agent_stop(agent);
    }
    hintsign_close(handle);
}

static void texts_are_the_parameters(void **state)
{
    struct script script = {"{ \"parameters\": { \"profiles\": [ { \"new\": \"\xc3\xa4\" } ] } }",
                            0};
    script.length = strlen(script.bytes) + 1;
    struct scripted_agent *agent = scripted_agent_start(serve, &script);
    struct hintsign *handle = open_handle();
    char *json;
    (void)state;
    assert_int_equal(hintsign_profiles(handle, &json), HINTSIGN_OK);
    assert_string_equal(json, "{\"profiles\":[{\"new\":\"\xc3\xa4\"}]}");
    free(json);
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

static void codes_have_sentences(void **state)
{
    (void)state;
    for (int code = HINTSIGN_OK; code >= HINTSIGN_UNAVAILABLE; code--)
        assert_string_not_equal(hintsign_strerror(code), "unknown error");
    assert_string_equal(hintsign_strerror(1), "unknown error");
    assert_string_equal(hintsign_strerror(HINTSIGN_UNAVAILABLE - 1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_replies_are_refused),   cmocka_unit_test(deep_reply_is_refused),
        cmocka_unit_test(endless_reply_is_refused),  cmocka_unit_test(most_values),
        cmocka_unit_test(longest_reply_is_taken),    cmocka_unit_test(extra_bytes_are_refused),
        cmocka_unit_test(unasked_reply_is_refused),  cmocka_unit_test(good_replies),
        cmocka_unit_test(reply_comes_byte_by_byte),  cmocka_unit_test(errors_of_the_interface),
        cmocka_unit_test(no_error_is_forgotten),     cmocka_unit_test(other_errors),
        cmocka_unit_test(messages_are_safe_to_show), cmocka_unit_test(texts_are_checked),
        cmocka_unit_test(texts_are_the_parameters),  cmocka_unit_test(codes_have_sentences),
    };
    return cmocka_run_group_tests_name("client reply", tests, NULL, scripted_remove);
}
