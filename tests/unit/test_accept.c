/* Tests of the claims that a profile accepts: what passes each form, and what is written then. */
#include "config.h"
#include "agent/accept.h"
#include "agent/policy.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char wrong_form[] = "The claim does not have the form it must have.";
static const char no_string[] = "The claim must be a string.";
static const char no_integer[] = "The claim must be an integer within 2^53.";
static const char no_sub_id[] =
    "The claim must be a subject identifier of a format that the profile accepts.";
static const char lacks_member[] = "The subject identifier lacks a member of its format.";
static const char member_too_many[] = "The subject identifier has a member too many.";
static const char other_scheme[] = "The subject identifier has a URI of another scheme.";
static const char strange_member[] =
    "The claim has a member that the profile does not accept, or none.";

/* A value that is given for a claim. */
struct given {
    const char *value;
    const char *written; /* what the token gets; NULL: the value is refused ... */
    const char *message; /* ... with this sentence */
};

static struct request request;

/* Gives the value for the claim "c" of that form, which is all that the profile accepts. */
static void assert_given(const struct conf *conf, const struct given *given)
{
    const struct peer peer = {.listener = "default", .identified = true, .uid = 1000};
    struct refusal refusal = {0};
    struct verdict verdict;
    struct text text = {0};
    char call[4096];
    snprintf(call, sizeof call,
             "{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'acme',"
             "'claims':{'c':%s}}}",
             given->value);
    char *message = quoted(call), *written = quoted(given->written ? given->written : "");
    assert_int_equal(request_parse(message, strlen(message), &request, &refusal), 0);
    int r = policy_check(conf, &peer, &request, &verdict, &refusal);
    if (r != (given->written ? 0 : REFUSAL_INVALID_CLAIM))
        fail_msg("%s: %d, %s", given->value, r, refusal.message ? refusal.message : "");
    if (r == 0) {
        accept_write(&conf_profile(conf, "acme")->accept[0], verdict.claims[0], &text);
        text_add(&text, "", 1);
        assert_string_equal(text.data, written);
    } else {
        assert_string_equal(refusal.message, given->message);
        assert_string_equal(refusal.name, "c");
    }
    text_free(&text);
    free(message);
    free(written);
}

static void assert_all(const char *form, const struct given *given, size_t count)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{" GIVEN_PROFILE ",'kind':'ciba','issuer':'https://issuer','audiences':['b'],"
             "'accept':{'c':%s},'allow':[{'uid':1000}]}",
             form);
    given_profile("acme", text);
    struct conf *conf = given_conf();
    for (size_t i = 0; i < count; i++)
        assert_given(conf, &given[i]);
    conf_unref(conf);
}
#define ASSERT_ALL(form, given) assert_all(form, given, sizeof(given) / sizeof(given)[0])

static void strings(void **state)
{
    static const struct given any[] = {
        {"'bob'", "'bob'", NULL},
        {"'\\u00e9\\/\\u2028'", "'\xc3\xa9/\xe2\x80\xa8'", NULL},
        {"7", NULL, no_string},
        {"null", NULL, no_string},
        {"{'a':'b'}", NULL, no_string},
        {"''", NULL, "The claim is empty or has a character below U+0020."},
    };
    static const struct given four[] = {
        {"'four'", "'four'", NULL},
        {"'\\u00e9\\u00e9'", "'\xc3\xa9\xc3\xa9'", NULL}, /* bytes, not characters */
        {"'fives'", NULL, "The claim is too long."},
        {"'\\u00e9\\u00e9x'", NULL, "The claim is too long."},
    };
    (void)state;
    ASSERT_ALL("'string'", any);
    ASSERT_ALL("{'form':'string','max':4}", four);
}

static void integers_and_booleans(void **state)
{
    static const struct given integers[] = {
        {"0", "0", NULL},
        {"-7", "-7", NULL},
        {"9007199254740991", "9007199254740991", NULL},
        {"-9007199254740991", "-9007199254740991", NULL},
        {"9007199254740992", NULL, no_integer},
        {"-9007199254740992", NULL, no_integer},
        {"1.0", NULL, no_integer},
        {"1e3", NULL, no_integer},
        {"'1'", NULL, no_integer},
        {"true", NULL, no_integer},
    };
    static const struct given booleans[] = {
        {"true", "true", NULL},
        {"false", "false", NULL},
        {"1", NULL, "The claim must be true or false."},
        {"'true'", NULL, "The claim must be true or false."},
    };
    (void)state;
    ASSERT_ALL("'integer'", integers);
    ASSERT_ALL("'boolean'", booleans);
}

/* RFC 9493 section 3.2; the members come in one order, whatever the caller's. */
static void subject_identifiers(void **state)
{
    static const struct given given[] = {
        {"{'format':'account','uri':'acct:bob@op.example'}",
         "{'format':'account','uri':'acct:bob@op.example'}", NULL},
        {"{'format':'account','uri':'mailto:bob@op.example'}", NULL, other_scheme},
        {"{'format':'account','uri':'acct:'}", NULL, wrong_form},
        {"{'url':'did:example:123#x','format':'did'}", "{'format':'did','url':'did:example:123#x'}",
         NULL},
        {"{'format':'did','url':'https://op.example'}", NULL, other_scheme},
        {"{'format':'email','email':'bob@op.example'}",
         "{'format':'email','email':'bob@op.example'}", NULL},
        {"{'format':'email','email':'bob'}", NULL, wrong_form},
        {"{'sub':'bob','iss':'https://op','format':'iss_sub'}",
         "{'format':'iss_sub','iss':'https://op','sub':'bob'}", NULL},
        {"{'format':'iss_sub','sub':'bob'}", NULL, lacks_member},
        {"{'format':'opaque','id':'1'}", "{'format':'opaque','id':'1'}", NULL},
        {"{'format':'opaque','id':1}", NULL, no_string},
        {"{'format':'opaque','id':'1','more':'x'}", NULL, member_too_many},
        {"{'format':'phone_number','phone_number':'+46701234567'}",
         "{'format':'phone_number','phone_number':'+46701234567'}", NULL},
        {"{'format':'phone_number','phone_number':'070'}", NULL, wrong_form},
        {"{'format':'uri','uri':'tel:+1'}", "{'format':'uri','uri':'tel:+1'}", NULL},
        {"{'format':'uri','url':'tel:+1'}", NULL, lacks_member},
        {"{'format':'passport','id':'1'}", NULL, no_sub_id},
        {"{'format':7,'id':'1'}", NULL, no_sub_id},
        {"{'id':'1'}", NULL, no_sub_id},
        {"{}", NULL, no_sub_id},
        {"'opaque'", NULL, no_sub_id},
    };
    (void)state;
    ASSERT_ALL("'sub_id'", given);
}

static void subject_identifiers_of_some_formats(void **state)
{
    static const struct given given[] = {
        {"{'format':'opaque','id':'four'}", "{'format':'opaque','id':'four'}", NULL},
        {"{'format':'opaque','id':'fives'}", NULL, "The claim is too long."},
        {"{'format':'email','email':'a@bc'}", "{'format':'email','email':'a@bc'}", NULL},
        {"{'format':'uri','uri':'a:b'}", NULL, no_sub_id},
    };
    (void)state;
    ASSERT_ALL("{'form':'sub_id','formats':['email','opaque'],'max':4}", given);
}

static void objects(void **state)
{
    static const struct given given[] = {
        {"{'subject_type':'phone','phone':'+46701234567'}",
         "{'subject_type':'phone','phone':'+46701234567'}", NULL},
        {"{'n':1,'phone':'+46701234567','subject_type':'phone','b':true}",
         "{'subject_type':'phone','phone':'+46701234567','n':1,'b':true}", NULL},
        {"{'subject_type':'phone'}", "{'subject_type':'phone'}", NULL},
        {"{'phone':'+46701234567'}", NULL, "The claim lacks a member that it must have."},
        {"{'subject_type':'phones'}", NULL, "The claim is too long."},
        {"{'subject_type':'phone','phone':'070'}", NULL, wrong_form},
        {"{'subject_type':'phone','n':'1'}", NULL, no_integer},
        {"{'subject_type':'phone','email':'a@b'}", NULL, strange_member},
        {"{'subject_type':{'a':'b'}}", NULL, no_string},
        {"{}", NULL, "The claim lacks a member that it must have."},
        {"'phone'", NULL, "The claim must be an object."},
    };
    static const struct given optional[] = {
        {"{'a':'x'}", "{'a':'x'}", NULL},
        {"{}", NULL, strange_member},
    };
    (void)state;
    ASSERT_ALL("{'form':'object','members':{'subject_type':{'form':'string','max':5},"
               "'phone':'e164','n':'integer','b':'boolean'},'required':['subject_type']}",
               given);
    ASSERT_ALL("{'form':'object','members':{'a':'string'}}", optional);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(strings),
        test(integers_and_booleans),
        test(subject_identifiers),
        test(subject_identifiers_of_some_formats),
        test(objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
