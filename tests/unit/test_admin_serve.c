/* Tests of agent/admin_serve.c: messages to the admin socket, against their interface. Orders to
 * tokens need a prober: see the integration tests. */
#include "config.h"
#include "agent/admin_serve.h"
#include "agent/interface.h"

#include "tests/unit/given.h"
#include "tests/unit/idl.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct service *service;
static struct reload reload;
static struct admin_mint *mint;
static struct text reply;
static bool more;

static int begin(void **state)
{
    int r = scratch_open(state);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP); /* which a reload sends, and no thread may take */
    sigprocmask(SIG_BLOCK, &set, NULL);
    given_profile("plain",
                  "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b']}");
    given_profile("next", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b'],"
                          "'next_key':'pkcs11:object=n'}");
    service = given_service();
    if (admin_mint_start(service, &mint) < 0)
        return -1;
    reload_init(&reload, service, "agent.json", service->conf);
    return r;
}

static int end(void **state)
{
    reload_free(&reload);
    assert_true(admin_mint_stop(mint, 20)); /* also where nobody has let go who waits */
    given_end(service);
    text_free(&reply);
    return scratch_close(state);
}

/* ' stands for ". Returns the reply, also with '. */
static const char *call(const char *text)
{
    const struct peer root = {.listener = "admin", .identified = true};
    char *message = quoted(text);
    text_free(&reply);
    more = admin_serve(service, &reload, mint, &root, message, strlen(message), &reply);
    free(message);
    for (size_t i = 0; i < reply.length; i++)
        reply.data[i] = reply.data[i] == '"' ? '\'' : reply.data[i];
    return reply.length ? reply.data : "";
}

static void assert_reply(const char *text, const char *part)
{
    const char *answer = call(text);
    if (!strstr(answer, part))
        fail_msg("%s: got %s, wanted %s", text, answer, part);
}

static void no_messages(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{'method':7}",
        "{}",
        "{'method':'a','method':'b'}",
        "{'method':'a','pin':'1','pin':'2'}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_reply(texts[i],
                     "{'error':'io.hintsign.Admin.InvalidMessage','parameters':{'message':'");
        assert_false(more);
    }
}

static void wrong_calls(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{'method':'io.hintsign.Admin.Burn'}",
         "MethodNotFound','parameters':{'method':'io.hintsign.Admin.Burn'}}"},
        {"{'method':'io.hintsign.Agent.Mint'}", "MethodNotFound"},
        {"{'method':'io.hintsign.Admin.Lock','parameters':[]}",
         "InvalidParameter','parameters':{'parameter':'parameters'}}"},
        {"{'method':'io.hintsign.Admin.Lock','parameters':{'pin':'1'}}", "{'parameter':'pin'}"},
        {"{'method':'io.hintsign.Admin.Lock','parameters':{'token':1}}", "{'parameter':'token'}"},
        {"{'method':'io.hintsign.Admin.Lock','upgrade':true}", "{'parameter':'upgrade'}"},
        {"{'method':'io.hintsign.Admin.Unlock','parameters':{'pin':''}}", "{'parameter':'pin'}"},
        {"{'method':'io.hintsign.Admin.Unlock','parameters':{'pin':7}}", "{'parameter':'pin'}"},
        {"{'method':'io.hintsign.Admin.Unlock','parameters':{'token':'no'}}",
         "io.hintsign.Admin.UnknownToken"},
        {"{'method':'io.hintsign.Admin.Lock','parameters':{'token':'no'}}",
         "io.hintsign.Admin.UnknownToken"},
        {"{'method':'org.varlink.service.GetInterfaceDescription'}", "{'parameter':'interface'}"},
        {"{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface':'a.b'}"
         "}",
         "InterfaceNotFound','parameters':{'interface':'a.b'}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_reply(cases[i].text, cases[i].wanted);
        assert_true(more);
    }
}

static void what_it_is(void **state)
{
    (void)state;
    assert_reply("{'method':'org.varlink.service.GetInfo'}",
                 "['org.varlink.service','io.hintsign.Admin']");
    assert_reply("{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface'"
                 ":'io.hintsign.Admin'}}",
                 "{'parameters':{'description':'# What an administrator");
    assert_string_equal(call("{'method':'org.varlink.service.GetInfo','oneway':true}"), "");
}

/* It is the line's, with the errors of the line. */
static void mint_next(void **state)
{
    static const struct {
        const char *parameters, *wanted;
    } cases[] = {
        {"",
         "{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'profile'}}"},
        {"'profile':'next','pin':'1'", "{'parameter':'pin'}"},
        {"'profile':'next','claims':7", "{'parameter':'claims'}"},
        {"'profile':'nowhere'",
         "Agent.NotAllowed','parameters':{'message':'There is no such profile"},
        {"'profile':'plain','claims':{'sub':'Bob'}",
         "Agent.KeyUnavailable','parameters':{'message':'The profile has no next_key.'}}"},
        {"'profile':'next'", "io.hintsign.Agent.InvalidClaim"},
        {"'profile':'next','claims':{'sub':'A'}", "io.hintsign.Agent.InvalidClaim"},
        {"'profile':'next','audience':'c','claims':{'sub':'Bob'}", "Agent.UnknownAudience"},
        {"'profile':'next','claims':{'sub':'Bob'}",
         "Agent.TokenUnavailable','parameters':{'message':'not looked for yet'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{'method':'io.hintsign.Admin.MintNext','parameters':{%s}}",
                 cases[i].parameters);
        assert_reply(text, cases[i].wanted);
        assert_true(more);
    }
    assert_string_equal(call("{'method':'io.hintsign.Admin.MintNext','oneway':true,"
                             "'parameters':{'profile':'next'}}"),
                        "");
    char *log = scratch_read("audit.jsonl", NULL);
    assert_non_null(strstr(log, "\"profile\":\"next\",\"next_key\":true,\"audience\":\"b\""));
    assert_null(strstr(log, "\"allow\""));
    free(log);
}

/* Nobody reloads here: whoever waits is let go at the end. */
static void reload_at_the_end(void **state)
{
    (void)state;
    reload_end(&reload);
    assert_reply("{'method':'io.hintsign.Admin.Reload'}",
                 "io.hintsign.Admin.NotDone','parameters':{'message':'It is not done "
                 "yet.','retry_after_ms':1000}}");
}

static void methods_are_those_of_the_interface(void **state)
{
    (void)state;
    idl_expect_methods(interface_admin, admin_serve_method_at);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(no_messages), TEST(wrong_calls),       TEST(what_it_is),
        TEST(mint_next),   TEST(reload_at_the_end), TEST(methods_are_those_of_the_interface),
    };
    return cmocka_run_group_tests_name("admin_serve", tests, NULL, NULL);
}
