/* Tests of replies: their bytes, and their errors against the interface. */
#include "config.h"
#include "agent/reply.h"
#include "agent/interface.h"

#include "tests/unit/idl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void assert_message(struct text *out, const char *wanted)
{
    assert_false(out->failed);
    assert_int_equal(out->length, strlen(wanted) + 1);
    assert_memory_equal(out->data, wanted, strlen(wanted) + 1); /* with its NUL */
    text_free(out);
}

static void tokens(void **state)
{
    struct text out = {0};
    (void)state;
    reply_token(&out, "a.b.cDE", 5, 1300819391, "k\"1", NULL, 7);
    assert_message(&out, "{\"parameters\":{\"token\":\"a.b.c\",\"expires_at\":1300819391,"
                         "\"kid\":\"k\\\"1\",\"id\":7}}");
    reply_token(&out, "a.b.c", 5, 0, NULL, NULL, INT64_MAX);
    assert_message(&out, "{\"parameters\":{\"token\":\"a.b.c\",\"id\":9223372036854775807}}");
}

static void signatures(void **state)
{
    struct text out = {0};
    (void)state;
    reply_signature(&out, (const unsigned char *)"\xff\xef\xfe!", 4, 9);
    assert_message(&out, "{\"parameters\":{\"signature\":\"/+/+IQ==\",\"id\":9}}");
}

static void parameters(void **state)
{
    struct text out = {0}, object = {0};
    (void)state;
    text_put(&object, "{\"a\":1}");
    reply_parameters(&out, &object);
    assert_message(&out, "{\"parameters\":{\"a\":1}}");
    object.failed = true;
    reply_parameters(&out, &object);
    assert_true(out.failed);
    text_free(&out);
    text_free(&object);
}

/* Messages stand one behind the other, each with its NUL. */
static void several(void **state)
{
    struct text out = {0};
    (void)state;
    reply_token(&out, "t", 1, 0, NULL, NULL, 1);
    reply_error(&out, REFUSAL_INTERNAL, &(struct refusal){0});
    reply_token(&out, "u", 1, 0, NULL, NULL, 2);
    const char *second = out.data + strlen(out.data) + 1, *third = second + strlen(second) + 1;
    assert_string_equal(out.data, "{\"parameters\":{\"token\":\"t\",\"id\":1}}");
    assert_memory_equal(second, "{\"error\":\"io.hintsign.Agent.Internal\"", 37);
    assert_string_equal(third, "{\"parameters\":{\"token\":\"u\",\"id\":2}}");
    assert_int_equal(third + strlen(third) + 1 - out.data, out.length);
    text_free(&out);
}

static void errors(void **state)
{
    static const struct {
        int code;
        struct refusal refusal;
        const char *wanted;
    } cases[] = {
        {REFUSAL_NOT_ALLOWED,
         {.name = "secret", .detail = "for the log"},
         "{\"error\":\"io.hintsign.Agent.NotAllowed\",\"parameters\":{\"message\":"
         "\"There is no such profile that you may use.\"}}"},
        {REFUSAL_INVALID_CLAIM,
         {.name = "e\"mail", .message = "No."},
         "{\"error\":\"io.hintsign.Agent.InvalidClaim\",\"parameters\":{\"message\":\"No.\","
         "\"claim\":\"e\\\"mail\"}}"},
        {REFUSAL_INVALID_CLAIM,
         {.detail = "for the log"},
         "{\"error\":\"io.hintsign.Agent.InvalidClaim\",\"parameters\":{\"message\":"
         "\"A claim is not acceptable.\"}}"},
        {REFUSAL_TOKEN_UNAVAILABLE,
         {.name = "x"},
         "{\"error\":\"io.hintsign.Agent.TokenUnavailable\",\"parameters\":{\"message\":"
         "\"The HSM token does not answer.\",\"retry_after_ms\":1000}}"},
        {REFUSAL_RATE_LIMITED,
         {.retry_after_ms = 17},
         "{\"error\":\"io.hintsign.Agent.RateLimited\",\"parameters\":{\"message\":"
         "\"The profile is asked for too often.\",\"retry_after_ms\":17}}"},
        {REFUSAL_INVALID_PARAMETER,
         {.name = "profile", .message = "ignored"},
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
         "\"profile\"}}"},
        {REFUSAL_METHOD_NOT_FOUND,
         {.name = "a.B"},
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"a.B\"}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text out = {0};
        reply_error(&out, cases[i].code, &cases[i].refusal);
        assert_message(&out, cases[i].wanted);
    }
    assert_string_equal(reply_error_name(REFUSAL_NOT_ALLOWED), "NotAllowed");
    assert_string_equal(reply_error_name(-9999), "Internal");
}

/* Every code there may be, and some beyond. */
#define LAST_CODE (-100)

static bool is_known(int code)
{
    return code == REFUSAL_INTERNAL || strcmp(reply_error_name(code), "Internal") != 0;
}

static struct idl own, admin, service;

static int read_interfaces(void **state)
{
    (void)state;
    idl_read(interface_agent, &own);
    idl_read(interface_admin, &admin);
    idl_read(interface_service, &service);
    return 0;
}

static const struct idl *interface_of(const char *error)
{
    static const struct {
        const char *prefix;
        const struct idl *idl;
    } interfaces[] = {{"io.hintsign.Agent.", &own},
                      {"io.hintsign.Admin.", &admin},
                      {"org.varlink.service.", &service}};
    for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++)
        if (strncmp(error, interfaces[i].prefix, strlen(interfaces[i].prefix)) == 0)
            return interfaces[i].idl;
    fail_msg("%s is of no interface", error);
    return NULL;
}

/* Varlink's errors always have their name. */
static bool may_lack_name(int code)
{
    return code != REFUSAL_INTERFACE_NOT_FOUND && code != REFUSAL_METHOD_NOT_FOUND &&
           code != REFUSAL_INVALID_PARAMETER;
}

/* Every error that can be named is declared, with just these members. */
static void errors_are_those_of_the_interfaces(void **state)
{
    (void)state;
    for (int code = -1; code >= LAST_CODE; code--) {
        static const char *const names[] = {"name", NULL};
        for (size_t i = 0; is_known(code) && i < 1u + may_lack_name(code); i++) {
            struct text out = {0};
            reply_error(&out, code, &(struct refusal){.name = names[i]});
            json_t *reply = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
            const char *full = json_string_value(json_object_get(reply, "error"));
            assert_non_null(full);
            assert_string_equal(strrchr(full, '.') + 1, reply_error_name(code));
            const struct idl *idl = interface_of(full);
            const struct idl_declaration *error = idl_find(idl, "error", reply_error_name(code));
            if (!error || !idl_fits(idl, &error->in, json_object_get(reply, "parameters")))
                fail_msg("not as declared: %s", out.data);
            json_decref(reply);
            text_free(&out);
        }
    }
}

/* The other way round: what is declared can happen. */
static void declared_errors_can_be_named(void **state)
{
    const struct idl *const idls[] = {&own, &admin};
    (void)state;
    for (size_t i = 0; i < idls[0]->count + idls[1]->count; i++) {
        bool first = i < own.count, named = false;
        const struct idl_declaration *one = first ? &own.list[i] : &admin.list[i - own.count];
        if (strcmp(one->keyword, "error") != 0)
            continue;
        for (int code = -1; code >= LAST_CODE; code--)
            named |= is_known(code) && strcmp(reply_error_name(code), one->name) == 0;
        if (!named)
            fail_msg("%s is never given", one->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),
        cmocka_unit_test(signatures),
        cmocka_unit_test(parameters),
        cmocka_unit_test(several),
        cmocka_unit_test(errors),
        cmocka_unit_test(errors_are_those_of_the_interfaces),
        cmocka_unit_test(declared_errors_can_be_named),
    };
    return cmocka_run_group_tests(tests, read_interfaces, NULL);
}
