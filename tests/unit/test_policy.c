/* Tests of the policy: who may use a profile, and which claims and audiences pass. */
#include "config.h"
#include "agent/policy.h"
#include "agent/reply.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static gid_t groups[] = {2000, 3000};

/* Who may use which profile at all is for test_policy_callers.c. */
enum { WEB, WEB_BY_SHOP, CALLERS };
static const struct peer callers[CALLERS] = {
    [WEB] = {"default", true, 1000, 1000, 1, groups, 2, NULL},
    [WEB_BY_SHOP] = {"shop", true, 1000, 1000, 1, groups, 2, NULL},
};

static struct request request;
static struct refusal refusal;
static struct verdict verdict;

/* Checks a Mint with these parameters; what it borrows from lives until the next one. */
static int check(const struct conf *conf, const struct peer *peer, const char *parameters)
{
    char text[4096];
    snprintf(text, sizeof text, "{'method':'io.hintsign.Agent.Mint','parameters':{%s}}",
             parameters);
    static char *message;
    free(message);
    message = quoted(text);
    refusal = (struct refusal){0};
    assert_int_equal(request_parse(message, strlen(message), &request, &refusal), 0);
    return policy_check(conf, peer, &request, &verdict, &refusal);
}

static void the_entry_that_matched(void **state)
{
    (void)state;
    given_profile("acme",
                  "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                  "'audiences':['b'],'allow':[{'uid':7},{'listener':'shop'},{'gid':3000}]}");
    struct conf *conf = given_conf();
    assert_int_equal(check(conf, &callers[WEB], "'profile':'acme'"), 0);
    assert_int_equal(verdict.allow, 2);
    assert_int_equal(check(conf, &callers[WEB_BY_SHOP], "'profile':'acme'"), 0);
    assert_int_equal(verdict.allow, 1);
    assert_ptr_equal(verdict.profile, conf_profile(conf, "acme"));
    conf_unref(conf);
}

/* Whatever else is in the request: who may not use a profile learns nothing of it. */
static void unknown_and_forbidden_are_the_same(void **state)
{
    static const char *const parameters[] = {
        "'profile':'%s'",
        "'profile':'%s','claims':{'sub':'bob'}",
        "'profile':'%s','claims':{'exp':1,'sub':''}",
        "'profile':'%s','audience':'b'",
        "'profile':'%s','audience':'nowhere'",
    };
    static const char *const names[] = {"secret", "nobodys", "unknown", "../acme", "", "SECRET"};
    char first[512] = "";
    (void)state;
    given_profile("secret", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a',"
                            "'audiences':['b'],'allow':[{'uid':7}]}");
    given_profile("nobodys", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a',"
                             "'audiences':['b']}");
    struct conf *conf = given_conf();
    for (size_t i = 0; i < 5 * 6; i++) {
        char text[256];
        struct text reply = {0};
        snprintf(text, sizeof text, parameters[i % 5], names[i / 5]);
        assert_int_equal(check(conf, &callers[WEB], text), REFUSAL_NOT_ALLOWED);
        assert_null(verdict.profile);
        reply_error(&reply, REFUSAL_NOT_ALLOWED, &refusal);
        if (i == 0)
            memcpy(first, reply.data, reply.length);
        assert_int_equal(reply.length, strlen(first) + 1);
        assert_memory_equal(reply.data, first, reply.length);
        text_free(&reply);
    }
    conf_unref(conf);
}

static void assert_claims_refused(const struct conf *conf, const char *claims, const char *name,
                                  const char *message)
{
    char parameters[2048];
    snprintf(parameters, sizeof parameters, "'profile':'acme','claims':{%s}", claims);
    int r = check(conf, &callers[WEB], parameters);
    if (r != REFUSAL_INVALID_CLAIM)
        fail_msg("%s: %d", claims, r);
    assert_string_equal(refusal.message, message);
    if (name)
        assert_string_equal(refusal.name, name);
    else
        assert_null(refusal.name);
}

static void assert_claims_pass(const struct conf *conf, const char *claims)
{
    char parameters[2048];
    snprintf(parameters, sizeof parameters, "'profile':'acme','claims':{%s}", claims);
    int r = check(conf, &callers[WEB], parameters);
    if (r != 0)
        fail_msg("%s: %d, %s", claims, r, refusal.message);
}

#define ACME                                                                                       \
    "{" GIVEN_PROFILE ",'kind':'authway','client_id':'My-App','audiences':['https://op'],"         \
    "'allow':[{'uid':1000}]"

static struct conf *given_acme(const char *more)
{
    char text[2048];
    snprintf(text, sizeof text, ACME "%s}", more);
    given_profile("acme", text);
    return given_conf();
}

static void claims_that_nobody_may_give(void **state)
{
    static const char *const names[] = {
        "iss",          "aud",     "iat",         "exp",   "nbf", "jti",   "client_id",
        "uid",          "scope",   "azp",         "act",   "cnf", "nonce", "response_type",
        "redirect_uri", "request", "request_uri", "email", "Sub", "sub ",  "",
    };
    struct conf *conf = given_acme("");
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char claims[128];
        snprintf(claims, sizeof claims, "'sub':'bob','%s':'x'", names[i]);
        assert_claims_refused(conf, claims, names[i], "The profile does not accept this claim.");
    }
    conf_unref(conf);
}

static void values_of_claims(void **state)
{
    static const char *const no_strings[] = {"null", "true",  "7",        "1.5",
                                             "[]",   "['a']", "{'a':'b'}"};
    struct conf *conf = given_acme(",'accept':{'email':{'form':'email','max':20}}");
    char claims[1200] = "'sub':'";
    (void)state;
    for (size_t i = 0; i < sizeof no_strings / sizeof no_strings[0]; i++) {
        snprintf(claims, sizeof claims, "'sub':%s", no_strings[i]);
        assert_claims_refused(conf, claims, "sub", "The claim must be a string.");
    }
    static const char blank[] = "The claim is empty or has a character below U+0020.";
    assert_claims_refused(conf, "'sub':''", "sub", blank);
    assert_claims_refused(conf, "'sub':'a\\nb'", "sub", blank);
    assert_claims_refused(conf, "'sub':'\\u001f'", "sub", blank);
    assert_claims_refused(conf, "'sub':'bob','tid':''", "tid", blank);
    assert_claims_pass(conf, "'sub':'\\u007f\\u2028\\ud83d\\ude00'");
    assert_claims_refused(conf, "'email':'bob'", "email",
                          "The claim does not have the form it must have.");
    assert_claims_pass(conf, "'email':'1234567890123456@abc'");
    assert_claims_refused(conf, "'email':'12345678901234567@abc'", "email",
                          "The claim is too long.");

    char *end = stpcpy(claims, "'sub':'");
    memset(end, 'x', 1024);
    strcpy(end + 1024, "'");
    assert_claims_pass(conf, claims);
    strcpy(end + 1024, "x'");
    assert_claims_refused(conf, claims, "sub", "The claim is too long.");
    conf_unref(conf);
}

/* A hint about the client itself is a client assertion to some providers. */
static void the_issuer_as_identifier(void **state)
{
    static const char *const blanks[] = {
        "",
        " ",
        "  ",
        "\xc2\x85",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80",
        "\xef\xbb\xbf",
        " \xe2\x80\xa8\xc2\xa0 ",
    };
    static const char *const issuers[] = {"My-App", "my-app", "MY-APP", "mY-aPP"};
    static const char *const others[] = {"My-Ap",        "My-Appx",      "xMy-App",
                                         "My App",       "My-App x",     "My-\\u0430pp",
                                         "\\u212ay-App", "My-App\\u200b"};
    struct conf *conf = given_acme(",'accept':{'email':'string'}");
    (void)state;
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        for (size_t j = 0; j < 4 * 3; j++) {
            static const char *const claims[] = {"sub", "email", "tid"};
            char text[128];
            const char *name = claims[j / 4];
            snprintf(text, sizeof text, "'%s':'%s%s%s'", name, blanks[i], issuers[j % 4],
                     blanks[i]);
            assert_claims_refused(conf, text, name, "The claim names the issuer itself.");
            snprintf(text, sizeof text, "'%s':'%s%s'", name, issuers[j % 4], blanks[i]);
            assert_claims_refused(conf, text, name, "The claim names the issuer itself.");
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "'sub':'%s'", others[i]);
        assert_claims_pass(conf, text);
    }
    conf_unref(conf);
}

/* The issuer may have blanks of its own: those count as little. */
static void an_issuer_with_blanks(void **state)
{
    static const char *const issuers[] = {" my app", "my app\xe2\x80\xa8", " my app  "};
    static const char *const subjects[] = {"my app", " my app", "MY APP ", " my app  "};
    (void)state;
    for (size_t i = 0; i < 3 * 4; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'%s','audiences':['b'],"
                 "'allow':[{'uid':1000}]}",
                 issuers[i / 4]);
        given_profile("acme", text);
        struct conf *conf = given_conf();
        snprintf(text, sizeof text, "'sub':'%s'", subjects[i % 4]);
        assert_claims_refused(conf, text, "sub", "The claim names the issuer itself.");
        assert_claims_pass(conf, "'sub':'myapp'");
        conf_unref(conf);
    }
}

/* Who compares loosely takes a number for the same. */
static void an_issuer_that_is_a_number(void **state)
{
    (void)state;
    given_profile("acme",
                  "{" GIVEN_PROFILE ",'kind':'ciba','issuer':'-1650','audiences':['b'],"
                  "'accept':{'n':'integer','o':{'form':'object','members':{'n':'integer'}}},"
                  "'allow':[{'uid':1000}]}");
    struct conf *conf = given_conf();
    assert_claims_refused(conf, "'n':-1650", "n", "The claim names the issuer itself.");
    assert_claims_refused(conf, "'o':{'n':-1650}", "o", "The claim names the issuer itself.");
    assert_claims_pass(conf, "'n':1650");
    conf_unref(conf);
}

/* Of all members only the `iss` of a subject identifier may name it: RFC 9493 section 3.2.3. */
static void an_issuer_of_subjects(void **state)
{
    (void)state;
    given_profile("acme", "{" GIVEN_PROFILE ",'kind':'ciba','issuer':'app','audiences':['b'],"
                          "'accept':{'id':'sub_id','o':{'form':'object','members':{"
                          "'format':'string','iss':'string','sub':'string'}}},"
                          "'allow':[{'uid':1000}]}");
    struct conf *conf = given_conf();
    assert_claims_pass(conf, "'id':{'format':'iss_sub','iss':'app','sub':'bob'}");
    assert_claims_refused(conf, "'id':{'format':'iss_sub','iss':'app','sub':'app'}", "id",
                          "The claim names the issuer itself.");
    assert_claims_refused(conf, "'id':{'format':'opaque','id':'app'}", "id",
                          "The claim names the issuer itself.");
    assert_claims_refused(conf, "'o':{'format':'iss_sub','iss':'app','sub':'bob'}", "o",
                          "The claim names the issuer itself.");
    assert_claims_refused(conf, "'o':{'iss':'app'}", "o", "The claim names the issuer itself.");
    conf_unref(conf);
}

static void one_identifier_is_needed(void **state)
{
    struct conf *conf = given_acme("");
    (void)state;
    assert_claims_refused(conf, "", "sub", "The claim must be given.");
    assert_claims_refused(conf, "'tid':'t'", "sub", "The claim must be given.");
    conf_unref(conf);

    conf = given_acme(",'accept':{'email':'email','phone':'e164'}");
    assert_claims_refused(conf, "", NULL, "One of several claims must be given.");
    assert_claims_refused(conf, "'tid':'t'", NULL, "One of several claims must be given.");
    assert_int_equal(check(conf, &callers[WEB], "'profile':'acme'"), REFUSAL_INVALID_CLAIM);
    assert_claims_pass(conf, "'phone':'+46701234567'");
    assert_claims_pass(conf, "'email':'a@b','sub':'bob','tid':'t'");
    conf_unref(conf);
}

static void required_and_one_of(void **state)
{
    struct conf *conf = given_acme(",'accept':{'email':'email','phone':'e164'},'required':['tid'],"
                                   "'one_of':[['email','phone'],['sub','tid']]");
    (void)state;
    assert_claims_refused(conf, "'email':'a@b'", "tid", "The claim must be given.");
    assert_claims_refused(conf, "'tid':'t','sub':'bob'", NULL,
                          "One of several claims must be given.");
    assert_claims_pass(conf, "'tid':'t','email':'a@b'");
    assert_claims_pass(conf, "'tid':'t','email':'a@b','phone':'+12','sub':'s'");
    conf_unref(conf);
}

/* What was approved stands by the profile's order, whatever the caller's. */
static void the_verdict_has_the_claims_in_order(void **state)
{
    struct conf *conf = given_acme(",'accept':{'email':'email','phone':'e164'}");
    (void)state;
    assert_claims_pass(conf, "'tid':'t','phone':'+12','sub':'s'");
    assert_string_equal(verdict.claims[0]->value, "s");
    assert_null(verdict.claims[1]);
    assert_string_equal(verdict.claims[2]->value, "+12");
    assert_string_equal(verdict.claims[3]->value, "t");
    conf_unref(conf);
}

static void audiences(void **state)
{
    (void)state;
    given_profile("one", "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                         "'audiences':['https://a/'],'allow':[{'uid':1000}]}");
    given_profile("two", "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                         "'audiences':['https://a/','https://b'],'allow':[{'uid':1000}]}");
    struct conf *conf = given_conf();
    const struct peer *web = &callers[WEB];
    assert_int_equal(check(conf, web, "'profile':'one'"), 0);
    assert_int_equal(check(conf, web, "'profile':'one','audience':'https://a/'"), 0);
    assert_int_equal(verdict.audience, 0);
    assert_int_equal(check(conf, web, "'profile':'two','audience':'https://b'"), 0);
    assert_int_equal(verdict.audience, 1);
    static const char *const wrong[] = {
        "'profile':'one','audience':'https://a'",  "'profile':'one','audience':'https://A/'",
        "'profile':'one','audience':''",           "'profile':'one','audience':'https://b'",
        "'profile':'two','audience':'https://b/'",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(check(conf, web, wrong[i]), REFUSAL_UNKNOWN_AUDIENCE);
        assert_string_equal(refusal.message, "The audience is not one of the profile's.");
    }
    assert_int_equal(check(conf, web, "'profile':'two'"), REFUSAL_UNKNOWN_AUDIENCE);
    assert_string_equal(refusal.message, "The profile has several audiences: name one.");
    conf_unref(conf);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_entry_that_matched),
        test(unknown_and_forbidden_are_the_same),
        test(claims_that_nobody_may_give),
        test(values_of_claims),
        test(the_issuer_as_identifier),
        test(an_issuer_with_blanks),
        test(an_issuer_that_is_a_number),
        test(an_issuer_of_subjects),
        test(one_identifier_is_needed),
        test(required_and_one_of),
        test(the_verdict_has_the_claims_in_order),
        test(audiences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
