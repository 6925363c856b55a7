/* Tests of parsing requests: every way in which a message can be wrong. */
#include "config.h"
#include "agent/request.h"

#include "agent/interface.h"
#include "tests/unit/idl.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MINT(parameters) "{'method':'io.hintsign.Agent.Mint','parameters':{" parameters "}}"
#define LIST             "{'method':'io.hintsign.Agent.ListProfiles'}"

static struct request request;
static struct refusal refusal;

/* Parses text in which ' stands for "; the strings of the result live until the next call. */
static int parse(const char *text)
{
    static char *message;
    free(message);
    message = text ? quoted(text) : NULL;
    refusal = (struct refusal){0};
    return text ? request_parse(message, strlen(message), &request, &refusal) : 0;
}

static int forget(void **state)
{
    (void)state;
    return parse(NULL);
}

static void assert_refused(const char *text, int code, const char *name)
{
    int r = parse(text);
    const char *got = refusal.name ? refusal.name : "nothing";
    if (r != code || strcmp(got, name ? name : "nothing") != 0)
        fail_msg("%s\n  gives %d with %s", text, r, got);
}

static void messages_that_are_none(void **state)
{
    static const char *const messages[] = {
        "",
        " ",
        "x",
        "null",
        "true",
        "7",
        "'method'",
        "[]",
        "[" LIST "]",
        "{",
        "{'method':'io.hintsign.Agent.ListProfiles'",
        LIST LIST,
        LIST "x",
        "{}",
        "{'parameters':{}}",
        "{'Method':'io.hintsign.Agent.ListProfiles'}",
        "{'method':7}",
        "{'method':null}",
        "{'method':['io.hintsign.Agent.ListProfiles']}",
        "{method:'io.hintsign.Agent.ListProfiles'}",
        "{'method':'io.hintsign.Agent.ListProfiles',}",
        "{'method':'io.hintsign.Agent.ListProfiles'} // comment",
        /* names twice, in every object */
        "{'method':'io.hintsign.Agent.Mint','method':'io.hintsign.Agent.Mint'}",
        MINT("'profile':'a','profile':'a'"),
        MINT("'profile':'a','prof\\u0069le':'b'"),
        MINT("'profile':'a','claims':{'sub':'x','sub':'x'}"),
        MINT("'profile':'a','claims':{'sub':{'x':1,'x':1}}"),
        /* strings that are no text */
        MINT("'profile':'a','claims':{'sub':'\xff'}"),
        MINT("'profile':'a','claims':{'sub':'\xc3'}"),
        MINT("'profile':'a','claims':{'sub':'\xc0\x80'}"),
        MINT("'profile':'a','claims':{'sub':'\xed\xa0\x80'}"),
        MINT("'profile':'a','claims':{'sub':'\xf4\x90\x80\x80'}"),
        MINT("'profile':'a','claims':{'sub':'\\u0000'}"),
        MINT("'profile':'a','claims':{'sub':'\\ud800'}"),
        MINT("'profile':'a','claims':{'sub':'\\udc00\\ud800'}"),
        MINT("'profile':'a','claims':{'sub':'a\nb'}"),
        MINT("'profile':'a','claims':{'a\\u0000b':'x'}"),
        MINT("'profile':'a','claims':{'sub':'\\x41'}"),
        /* numbers that are none */
        MINT("'profile':'a','claims':{'sub':01}"),
        MINT("'profile':'a','claims':{'sub':NaN}"),
        MINT("'profile':'a','claims':{'sub':1.}"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        assert_refused(messages[i], REFUSAL_INVALID_MESSAGE, NULL);
    assert_int_equal(parse(LIST), 0);
    char nul[] = "{\"method\":\"io.hintsign.Agent.ListProfiles\"}\0";
    assert_int_equal(request_parse(nul, sizeof nul, &request, &refusal), REFUSAL_INVALID_MESSAGE);
}

/* A GetStatus with parameters of a certain depth; the message itself is two deep. */
static int parse_deep(size_t depth, const char *open, char close)
{
    char *text = malloc(8 * depth + 200), *end = text;
    assert_non_null(text);
    end = stpcpy(end, "{'method':'io.hintsign.Agent.GetStatus','parameters':{'deep':");
    for (size_t i = 0; i < depth; i++)
        end = stpcpy(end, open);
    *end++ = '0';
    memset(end, close, depth);
    strcpy(end + depth, "}}");
    int r = parse(text);
    free(text);
    return r;
}

static void depth(void **state)
{
    (void)state;
    assert_int_equal(parse_deep(14, "[", ']'), REFUSAL_INVALID_PARAMETER); /* it is parsed */
    assert_int_equal(parse_deep(15, "[", ']'), REFUSAL_INVALID_MESSAGE);
    assert_int_equal(parse_deep(1000, "[", ']'), REFUSAL_INVALID_MESSAGE);
    assert_int_equal(parse_deep(30000, "[", ']'), REFUSAL_INVALID_MESSAGE);
    assert_int_equal(parse_deep(14, "{'x':", '}'), REFUSAL_INVALID_PARAMETER);
    assert_int_equal(parse_deep(15, "{'x':", '}'), REFUSAL_INVALID_MESSAGE);
    assert_int_equal(parse_deep(5000, "{'x':", '}'), REFUSAL_INVALID_MESSAGE);
    assert_refused("[[[[[[[[[[[[[[[[[[[[", REFUSAL_INVALID_MESSAGE, NULL);
    assert_refused("]]]]]]]]]]]]]]]]]]]]", REFUSAL_INVALID_MESSAGE, NULL);
    /* Brackets in strings are no depth, whatever quotes are before them. */
    assert_int_equal(
        parse(MINT("'profile':'[[[[[[[[[[[[[[[[[[[[\\\\','reference':'{{{{{{{{{{{{{{{{{'")), 0);
    assert_int_equal(parse(MINT("'profile':'\\'[[[[[[[[[[[[[[[[[[[['")), 0);
    assert_int_equal(
        parse(MINT("'profile':'[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]'")), 0);
}

static void methods_that_do_not_exist(void **state)
{
    (void)state;
    assert_refused("{'method':'io.hintsign.Agent.mint'}", REFUSAL_METHOD_NOT_FOUND,
                   "io.hintsign.Agent.mint");
    assert_refused("{'method':'io.hintsign.Agent.'}", REFUSAL_METHOD_NOT_FOUND,
                   "io.hintsign.Agent.");
    assert_refused("{'method':'org.varlink.service.Mint'}", REFUSAL_METHOD_NOT_FOUND,
                   "org.varlink.service.Mint");
    assert_refused("{'method':'io.hintsign.Agen.Mint'}", REFUSAL_INTERFACE_NOT_FOUND,
                   "io.hintsign.Agen");
    assert_refused("{'method':'io.hintsign.Mint'}", REFUSAL_INTERFACE_NOT_FOUND, "io.hintsign");
    assert_refused("{'method':'io.hintsign.Agent.Sub.Mint'}", REFUSAL_INTERFACE_NOT_FOUND,
                   "io.hintsign.Agent.Sub");
    assert_refused("{'method':'Mint'}", REFUSAL_INTERFACE_NOT_FOUND, "");
    assert_refused("{'method':'.Mint'}", REFUSAL_INTERFACE_NOT_FOUND, "");
    assert_refused("{'method':''}", REFUSAL_INTERFACE_NOT_FOUND, "");
    /* Parameters of what does not exist are nobody's business. */
    assert_refused("{'method':'io.hintsign.Agent.Burn','parameters':7}", REFUSAL_METHOD_NOT_FOUND,
                   "io.hintsign.Agent.Burn");
}

static void parameters_of_the_wrong_type(void **state)
{
    static const char *const values[] = {"null", "true", "7", "1.5", "[]", "['a']", "{}", "'a'"};
    static const struct {
        const char *method, *name, *good; /* the values that are */
    } parameters[] = {
        {"io.hintsign.Agent.Mint", "profile", "'a'"},
        {"io.hintsign.Agent.Mint", "audience", "'a' null"},
        {"io.hintsign.Agent.Mint", "claims", "{} null"},
        {"io.hintsign.Agent.Mint", "reference", "'a' null"},
        {"org.varlink.service.GetInterfaceDescription", "interface", "'a'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        const char *name = parameters[i].name;
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            char text[256];
            bool good = strstr(parameters[i].good, values[j]) != NULL;
            bool other = strstr(parameters[i].method, "Mint") && strcmp(name, "profile") != 0;
            snprintf(text, sizeof text, "{'method':'%s','parameters':{'%s':%s%s}}",
                     parameters[i].method, name, values[j], other ? ",'profile':'p'" : "");
            if (good)
                assert_int_equal(parse(text), 0);
            else
                assert_refused(text, REFUSAL_INVALID_PARAMETER, name);
        }
    }
}

static void parameters_that_are_missing_or_unknown(void **state)
{
    (void)state;
    assert_refused("{'method':'io.hintsign.Agent.Mint'}", REFUSAL_INVALID_PARAMETER, "profile");
    assert_refused(MINT(""), REFUSAL_INVALID_PARAMETER, "profile");
    assert_refused(MINT("'claims':{}"), REFUSAL_INVALID_PARAMETER, "profile");
    assert_refused(MINT("'profile':'a','subject':'bob'"), REFUSAL_INVALID_PARAMETER, "subject");
    assert_refused(MINT("'profile':'a','Claims':{}"), REFUSAL_INVALID_PARAMETER, "Claims");
    assert_refused(MINT("'profile':'a','x':null"), REFUSAL_INVALID_PARAMETER, "x");
    assert_refused("{'method':'io.hintsign.Agent.ListProfiles','parameters':{'profile':'a'}}",
                   REFUSAL_INVALID_PARAMETER, "profile");
    assert_refused("{'method':'org.varlink.service.GetInterfaceDescription'}",
                   REFUSAL_INVALID_PARAMETER, "interface");
    assert_refused("{'method':'io.hintsign.Agent.GetStatus','parameters':[]}",
                   REFUSAL_INVALID_PARAMETER, "parameters");
    assert_refused("{'method':'io.hintsign.Agent.GetStatus','parameters':'x'}",
                   REFUSAL_INVALID_PARAMETER, "parameters");
    assert_int_equal(parse("{'method':'io.hintsign.Agent.GetStatus','parameters':{}}"), 0);
}

static void references(void **state)
{
    static const char *const bad[] = {"a\\tb", "\\u001f", "\x7f", "\\u007f", "\xc3\xa9", "\\u0080"};
    char text[300] = MINT("'profile':'a','reference':''"), *end = strstr(text, "'}}");
    (void)state;
    assert_int_equal(parse(text), 0);
    memset(end, 'r', 128);
    strcpy(end + 128, "'}}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(strlen(request.reference), 128);
    strcpy(end + 128, "r'}}");
    assert_refused(text, REFUSAL_INVALID_PARAMETER, "reference");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sprintf(end, "%s'}}", bad[i]);
        assert_refused(text, REFUSAL_INVALID_PARAMETER, "reference");
    }
    sprintf(end, " ~'}}");
    assert_int_equal(parse(text), 0);
    assert_string_equal(request.reference, " ~");
}

/* A number that is no integer has no type here: its digits must not pass for a string. */
static void numbers_that_are_no_integers(void **state)
{
    static const char *const numbers[] = {"1.5", "1e2", "-0.5", "9223372036854775808"};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, MINT("'profile':'a','claims':{'x':%s,'o':{'y':%s}}"),
                 numbers[i], numbers[i]);
        assert_int_equal(parse(text), 0);
        assert_null(request.claims[0].value);
        assert_false(request.claims[0].is_integer);
        assert_null(request.claims[1].members[0].value);
        assert_false(request.claims[1].members[0].is_integer);
    }
}

static void many_claims(void **state)
{
    char text[1024];
    (void)state;
    for (int count = 32; count <= 33; count++) {
        char *end = stpcpy(text, "{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'a',"
                                 "'claims':{'c0':''");
        for (int i = 1; i < count; i++)
            end += sprintf(end, ",'c%d':''", i);
        strcpy(end, "}}}");
        if (count == 32)
            assert_int_equal(parse(text), 0);
        else
            assert_refused(text, REFUSAL_INVALID_PARAMETER, "claims");
    }
}

/* A call says itself how it wants to be answered. */
static void switches(void **state)
{
    static const char *const names[] = {"oneway", "more", "upgrade"};
    static const char *const wrong[] = {"null", "0", "1", "'true'", "[]", "{}"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            char text[128];
            snprintf(text, sizeof text, "{'method':'io.hintsign.Agent.GetStatus','%s':%s}",
                     names[i], wrong[j]);
            assert_refused(text, REFUSAL_INVALID_PARAMETER, names[i]);
        }
    }
    assert_int_equal(parse("{'method':'io.hintsign.Agent.GetStatus','oneway':false,'more':true,"
                           "'upgrade':false}"),
                     0);
    assert_false(request.oneway);
    assert_int_equal(parse("{'method':'io.hintsign.Agent.GetStatus','oneway':true}"), 0);
    assert_true(request.oneway);
    assert_refused("{'method':'io.hintsign.Agent.GetStatus','upgrade':true}",
                   REFUSAL_INVALID_PARAMETER, "upgrade");
    /* `oneway` also counts where the rest is refused. */
    assert_refused("{'method':'io.hintsign.Agent.Burn','oneway':true}", REFUSAL_METHOD_NOT_FOUND,
                   "io.hintsign.Agent.Burn");
    assert_true(request.oneway);
    assert_refused("{'method':'io.hintsign.Agent.GetStatus','upgrade':true,'oneway':true}",
                   REFUSAL_INVALID_PARAMETER, "upgrade");
    assert_true(request.oneway);
}

static void what_a_good_request_becomes(void **state)
{
    (void)state;
    assert_int_equal(parse(MINT("'claims':{'z':'1','sub':'bob\xf0\x9f\x98\x80','n':7,'a':''},"
                                "'reference':'r','profile':'acme','audience':null")),
                     0);
    assert_int_equal(request.method, METHOD_MINT);
    assert_string_equal(request.profile, "acme");
    assert_null(request.audience);
    assert_string_equal(request.reference, "r");
    assert_int_equal(request.claim_count, 4);
    assert_string_equal(request.claims[0].name, "z");
    assert_string_equal(request.claims[1].name, "sub");
    assert_string_equal(request.claims[1].value, "bob\xf0\x9f\x98\x80");
    assert_int_equal(request.claims[1].length, 7);
    assert_null(request.claims[2].value);
    assert_int_equal(request.claims[3].length, 0);

    assert_int_equal(parse("{'method':'org.varlink.service.GetInterfaceDescription',"
                           "'parameters':{'interface':'x.y'}}"),
                     0);
    assert_int_equal(request.method, METHOD_GET_INTERFACE_DESCRIPTION);
    assert_string_equal(request.interface, "x.y");
    assert_int_equal(parse("{'method':'org.varlink.service.GetInfo','parameters':{}}"), 0);
    assert_int_equal(request.method, METHOD_GET_INFO);
}

/* The table of methods against the interface that every client reads. */
static void methods_and_parameters_are_those_of_the_interface(void **state)
{
    (void)state;
    idl_expect_methods(interface_agent, request_method_at);
}

/* ... and which of the parameters may be left out. */
static void optional_parameters_are_those_of_the_interface(void **state)
{
    struct idl *idl = malloc(sizeof *idl);
    (void)state;
    assert_non_null(idl);
    idl_read(interface_agent, idl);
    for (size_t i = 0; i < idl->count; i++) {
        char text[256];
        const struct idl_declaration *method = &idl->list[i];
        if (strcmp(method->keyword, "method") != 0)
            continue;
        const char *required = "";
        for (const struct idl_member *in = method->in.members; in->name[0] && !*required; in++)
            required = in->type[0] == '?' ? "" : in->name;
        snprintf(text, sizeof text, "{'method':'io.hintsign.Agent.%s'}", method->name);
        if (*required)
            assert_refused(text, REFUSAL_INVALID_PARAMETER, required);
        else
            assert_int_equal(parse(text), 0);
    }
    free(idl);
}

#define test(name) cmocka_unit_test_teardown(name, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages_that_are_none),
        test(depth),
        test(methods_that_do_not_exist),
        test(parameters_of_the_wrong_type),
        test(parameters_that_are_missing_or_unknown),
        test(references),
        test(numbers_that_are_no_integers),
        test(many_claims),
        test(switches),
        test(what_a_good_request_becomes),
        test(methods_and_parameters_are_those_of_the_interface),
        test(optional_parameters_are_those_of_the_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
