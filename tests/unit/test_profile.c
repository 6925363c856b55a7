/* Tests of reading a profile: what each member becomes, and the exact error of each wrong one. */
#include "config.h"
#include "agent/profile.h"

#include "tests/unit/members.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const listeners[] = {"default", "shop", NULL};

/* A good profile of a kind. */
#define PROFILE(kind)                                                                              \
    {"version", "1"}, {"kind", "'" kind "'"}, {"key", "'pkcs11:object=k'"},                        \
        {"algorithm", "'HS256'"}, {"client_id", "'app'"}, {"audiences", "['https://op']"},         \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
static const struct member pingone[] = {PROFILE("pingone")};
static const struct member authway[] = {PROFILE("authway")};
static const struct member assertion[] = {PROFILE("client_assertion")};
static const struct member modrna[] = {{"version", "1"},
                                       {"kind", "'modrna'"},
                                       {"key", "'pkcs11:object=k'"},
                                       {"algorithm", "'ES256'"},
                                       {"issuer", "'https://disc'"},
                                       {"audiences", "['https://op']"},
                                       {"seal", "{'alg':['ECDH-ES'],'enc':'A128GCM'}"},
                                       {NULL, NULL}};

/* Loads a profile from text in which ' stands for ". Returns what is wrong behind "FILE:", "" for
 * a good one, which is to be freed. */
static const char *load(const char *text, struct profile **ret_profile)
{
    static char error[MEMBERS_TEXT_MAX];
    const char *path = scratch_json("acme.json", text);
    if (profile_load(path, "acme", listeners, ret_profile, error, sizeof error) == 0)
        return "";
    assert_memory_equal(error, path, strlen(path));
    return error + strlen(path) + 1;
}

static struct profile *load_good(const char *text)
{
    struct profile *profile = NULL;
    assert_string_equal(load(text, &profile), "");
    assert_string_equal(profile->name, "acme");
    return profile;
}

struct wrong {
    const char *member;
    const char *value;
    size_t line;                  /* counted from the member's own */
    const char *error;            /* ends with "..." where it goes on */
    const struct member *profile; /* NULL: authway */
};

static void assert_wrong(const struct wrong *wrong)
{
    char text[MEMBERS_TEXT_MAX], wanted[512];
    struct profile *profile = NULL;
    size_t line =
        members_write(wrong->profile ? wrong->profile : authway, wrong->member, wrong->value, text);
    const char *error = load(text, &profile);
    snprintf(wanted, sizeof wanted, "%zu: %s", line + wrong->line, wrong->error);
    if (!*error)
        profile_free(profile);
    char *dots = strstr(wanted, "...");
    if (dots ? strncmp(error, wanted, (size_t)(dots - wanted)) : strcmp(error, wanted))
        fail_msg("%s = %s\n  gives: %s\n  wanted: %s", wrong->member,
                 wrong->value ? wrong->value : "nothing", error, wanted);
}

static void assert_all_wrong(const struct wrong *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_wrong(&cases[i]);
}
#define ASSERT_ALL_WRONG(cases) assert_all_wrong(cases, sizeof cases / sizeof cases[0])

static void wrong_members(void **state)
{
    static const struct wrong cases[] = {
        {"version", "2", 0, "version: must be an integer from 1 to 1", NULL},
        {"version", "'1'", 0, "version: must be an integer from 1 to 1", NULL},
        {"version", NULL, 0, "\"version\" is missing", NULL},
        {"kind", "'pingtwo'", 0, "kind: must be one of pingone, authway...", NULL},
        {"kind", "[]", 0, "kind: must be one of pingone, authway...", NULL},
        {"kind", NULL, 0, "\"kind\" is missing", NULL},
        {"key", "7", 0, "key: must be a string", NULL},
        {"key", "''", 0, "key: must have 1 to 1024 bytes", NULL},
        {"key", "'pkcs11:token=t'", 0, "key: the URI names no key: object= or id= is missing",
         NULL},
        {"key", "'pkcs11:object=k?pin-value=1234'", 0,
         "key: the URI of a key names object=, id= and its token, nothing else", NULL},
        {"key", "'pkcs11:object=k?pin-source=/p'", 0,
         "key: the URI of a key names object=, id= and its token, nothing else", NULL},
        {"key", "'pkcs11:object=k;colour=red'", 0,
         "key: the URI of a key names object=, id= and its token, nothing else", NULL},
        {"key", NULL, 0, "\"key\" is missing", NULL},
        {"next_key", "7", 0, "next_key: must be a string", NULL},
        {"next_key", "'pkcs11:token=t'", 0, "next_key: the URI names no key...", NULL},
        {"next_key", "'pkcs11:object=k'", 0, "next_key: is the same as \"key\"", NULL},
        {"algorithm", "'none'", 0, "algorithm: must be one of HS256, HS384, HS512...", NULL},
        {"algorithm", "'hs256'", 0, "algorithm: must be one of HS256, HS384, HS512...", NULL},
        {"algorithm", "256", 0, "algorithm: must be one of HS256, HS384, HS512...", NULL},
        {"algorithm", NULL, 0, "\"algorithm\" is missing", NULL},
        {"client_id", "['app']", 0, "client_id: must be a string", NULL},
        {"client_id", "''", 0, "client_id: must have 1 to 1024 bytes", NULL},
        {"client_id", "'a\\tb'", 0, "client_id: has a control character", NULL},
        {"client_id", NULL, 0, "\"client_id\" is missing", NULL},
        {"audiences", "'https://op'", 0, "audiences: must be an array", NULL},
        {"audiences", "[]", 0, "audiences: must have 1 to 64 elements", NULL},
        {"audiences", "['a',\n'b',\n'a']", 2, "audiences[2]: stands here twice", NULL},
        {"audiences", "['a',\n7]", 1, "audiences[1]: must be a string", NULL},
        {"audiences", "[\n'']", 1, "audiences[0]: must have 1 to 1024 bytes", NULL},
        {"audiences", NULL, 0, "\"audiences\" is missing", NULL},
        {"lifetime", "0", 0, "lifetime: must be an integer from 1 to 86400", NULL},
        {"lifetime", "86401", 0, "lifetime: must be an integer from 1 to 86400", NULL},
        {"lifetime", "null", 0, "lifetime: must be an integer from 1 to 86400", NULL},
        {"lifetime", "60.0", 0, "lifetime: must be an integer from 1 to 86400", NULL},
        {"backdate", "-1", 0, "backdate: must be an integer from 0 to 300", NULL},
        {"backdate", "301", 0, "backdate: must be an integer from 0 to 300", NULL},
        {"typ", "'JWT'", 0, "typ: cannot be set for kind authway", NULL},
        {"typ", "'JWT'", 0, "typ: cannot be set for kind pingone", pingone},
        {"typ", "7", 0, "typ: must be a string", assertion},
        {"kid", "'k'", 0, "kid: cannot be set for kind authway", NULL},
        {"kid", "'k'", 0, "kid: cannot be set for kind pingone", pingone},
        {"kid", "false", 0, "kid: must be a string", assertion},
        {"issuer", "'app'", 0, "issuer: kind authway has \"client_id\" instead", NULL},
        {"rate_limits", "{}", 0, "rate_limits: there is no such member", NULL},
        {"description", "7", 0, "description: must be a string", NULL},
    };
    (void)state;
    ASSERT_ALL_WRONG(cases);
}

static void wrong_callers(void **state)
{
    static const struct wrong cases[] = {
        {"rate_limit", "5", 0, "rate_limit: must be an object", NULL},
        {"rate_limit", "{'burst':5}", 0, "rate_limit: \"per_second\" is missing", NULL},
        {"rate_limit", "{'per_second':0}", 0,
         "rate_limit.per_second: must be an integer from 1 to 100000", NULL},
        {"rate_limit", "{'per_second':1.5}", 0,
         "rate_limit.per_second: must be an integer from 1 to 100000", NULL},
        {"rate_limit", "{'per_second':5,'burst':1000001}", 0,
         "rate_limit.burst: must be an integer from 1 to 1000000", NULL},
        {"rate_limit", "{'per_second':5,'per_hour':5}", 0,
         "rate_limit.per_hour: there is no such member", NULL},
        {"allow", "{}", 0, "allow: must be an array", NULL},
        {"allow", "[]", 0, "allow: must have 1 to 64 elements", NULL},
        {"allow", "['root']", 0, "allow[0]: must be an object", NULL},
        {"allow", "[{'uid':0},\n{}]", 1,
         "allow[1]: names nobody: an entry needs user, group, unit or listener", NULL},
        {"allow", "[{'description':'x'}]", 0,
         "allow[0]: names nobody: an entry needs user, group, unit or listener", NULL},
        {"allow", "[{'uid':0},\n{'uid':-1}]", 1,
         "allow[1].uid: must be an integer from 0 to 4294967293", NULL},
        {"allow", "[{'uid':4294967294}]", 0,
         "allow[0].uid: must be an integer from 0 to 4294967293", NULL},
        {"allow", "[{'uid':'0'}]", 0, "allow[0].uid: must be an integer from 0 to 4294967293",
         NULL},
        {"allow", "[{'gid':4294967295}]", 0,
         "allow[0].gid: must be an integer from 0 to 4294967293", NULL},
        {"allow", "[{'user':'no-such-user'}]", 0, "allow[0].user: there is no user of that name",
         NULL},
        {"allow", "[{'user':0}]", 0, "allow[0].user: must be a string", NULL},
        {"allow", "[{\n'group':'no-such-group'}]", 1,
         "allow[0].group: there is no group of that name", NULL},
        {"allow", "[{'group':null}]", 0, "allow[0].group: must be a string", NULL},
        {"allow", "[{'uid':0,\n'user':'root'}]", 1, "allow[0].user: stands beside \"uid\"", NULL},
        {"allow", "[{'user':'root',\n'uid':0}]", 1, "allow[0].uid: stands beside \"user\"", NULL},
        {"allow", "[{'gid':0,\n'group':'root'}]", 1, "allow[0].group: stands beside \"gid\"", NULL},
        {"allow", "[{'group':'root',\n'gid':0}]", 1, "allow[0].gid: stands beside \"group\"", NULL},
        {"allow", "[{'listener':'cellar'}]", 0,
         "allow[0].listener: there is no listener of that name", NULL},
        {"allow", "[{'listener':7}]", 0, "allow[0].listener: must be a string", NULL},
        {"allow", "[{'uid':65534}]", 0, "allow[0].uid: is 65534, by which nobody can be known",
         NULL},
        {"allow", "[{'gid':65534,'listener':'shop'}]", 0,
         "allow[0].gid: is 65534, by which nobody can be known", NULL},
        {"allow", "[{'unit':'portal'}]", 0,
         "allow[0].unit: is no unit with processes, such as \"portal.service\"", NULL},
        {"allow", "[{'unit':'app.slice'}]", 0,
         "allow[0].unit: is no unit with processes, such as \"portal.service\"", NULL},
        {"allow", "[{'unit':7}]", 0, "allow[0].unit: must be a string", NULL},
        {"allow", "[{'pid':1}]", 0, "allow[0].pid: there is no such member", NULL},
    };
    (void)state;
    ASSERT_ALL_WRONG(cases);
}

static void wrong_members_of_private_keys(void **state)
{
    static const struct wrong cases[] = {
        {"algorithm", "'HS256'", 0, "algorithm: does not serve kind modrna", modrna},
        {"algorithm", "'ES256'", 0, "algorithm: does not serve kind pingone", pingone},
        {"issuer", NULL, 0, "\"issuer\" is missing", modrna},
        {"client_id", "'c'", 0, "client_id: kind modrna has \"issuer\" instead", modrna},
        {"seal", NULL, 0, "\"seal\" is missing: tokens of kind modrna are encrypted", modrna},
        {"seal", "{'alg':['ECDH-ES'],'enc':'A128GCM'}", 0, "seal: cannot be set for kind pingone",
         pingone},
        {"seal", "{'alg':['RSA1_5'],'enc':'A128GCM'}", 0,
         "seal.alg[0]: is no algorithm to seal with...", modrna},
        {"seal", "{'alg':['RS256'],'enc':'A128GCM'}", 0,
         "seal.alg[0]: is no algorithm to seal with...", modrna},
        {"seal", "{'alg':['dir'],'enc':'A128GCM'}", 0,
         "seal.alg[0]: is no algorithm to seal with...", modrna},
        {"seal", "{'alg':['ECDH-ES','ECDH-ES'],'enc':'A128GCM'}", 0,
         "seal.alg[1]: stands here twice", modrna},
        {"seal", "{'alg':['ECDH-ES'],'enc':'none'}", 0, "seal.enc: must be one of A128GCM...",
         modrna},
        {"seal", "{'alg':['ECDH-ES'],'enc':'A128GCM','max_stale':59}", 0,
         "seal.max_stale: must be an integer from 60 to 31536000", modrna},
        {"audiences", "['https://op','http://op']", 0,
         "audiences[1]: is not an issuer that keys can be fetched of...", modrna},
        {"publish", "[1,1,1,1,1,1,1,1,1]", 0, "publish: must have 1 to 8 elements", modrna},
        {"publish", "['pkcs11:id=%01','pkcs11:token=t']", 0,
         "publish[1]: the URI names no key: object= or id= is missing", modrna},
        {"publish", "[{'key':'pkcs11:object=k','algorithm':'HS256'}]", 0,
         "publish[0].algorithm: does not serve kind modrna", modrna},
        {"publish", "['pkcs11:object=k']", 0, "publish: kind pingone has no public keys", pingone},
        {"next_key", "'pkcs11:object=n'", 0, "next_key: is for client secrets: a private key...",
         modrna},
        {"jti", "'yes'", 0, "jti: must be true or false", modrna},
        {"verify", "'never'", 0, "verify: must be one of probe, always", modrna},
    };
    (void)state;
    ASSERT_ALL_WRONG(cases);
}

static void wrong_claims(void **state)
{
    static const struct wrong cases[] = {
        {"accept", "['sub']", 0, "accept: must be an object, from claim to form", NULL},
        {"accept", "{'sub':'text'}", 0,
         "accept.sub: must be one of string, email, e164, uuid, uri...", NULL},
        {"accept", "{'sub':7}", 0, "accept.sub: must be an object", NULL},
        {"accept", "{'sub':{}}", 0, "accept.sub: \"form\" is missing", NULL},
        {"accept", "{'a':'string',\n'b':\n{'form':'uuid',\n'max':0}}", 3,
         "accept.b.max: must be an integer from 1 to 1024", NULL},
        {"accept", "{'b':{'form':'uuid','max':1025}}", 0,
         "accept.b.max: must be an integer from 1 to 1024", NULL},
        {"accept", "{'b':{'form':'uuid','min':1}}", 0, "accept.b.min: there is no such member",
         NULL},
        {"accept", "{'':'string'}", 0, "accept.: is no name of a claim", NULL},
        {"accept", "{'a\\nb':'string'}", 0, "accept.a\nb: is no name of a claim", NULL},
        {"accept", "{'email':'email'}", 0, "accept.email: kind pingone does not take it", pingone},
        {"accept", "{'tid':'string'}", 0, "accept.tid: kind pingone does not take it", pingone},
        {"accept", "{'sub':'string'}", 0, "accept.sub: kind client_assertion does not take it",
         assertion},
        {"required", "'sub'", 0, "required: must be an array", NULL},
        {"required", "[]", 0, "required: must have 1 to 32 elements", NULL},
        {"required", "['sub',\n'email']", 1, "required[1]: is not among the accepted claims", NULL},
        {"required", "[7]", 0, "required[0]: is not among the accepted claims", NULL},
        {"required", "['sub']", 0, "required[0]: is not among the accepted claims", assertion},
        {"one_of", "['sub']", 0, "one_of[0]: must be an array", NULL},
        {"one_of", "[['sub'],\n[]]", 1, "one_of[1]: must have 1 to 32 elements", NULL},
        {"one_of", "[['sub',\n'email']]", 1, "one_of[0][1]: is not among the accepted claims",
         NULL},
        {"one_of", "[['sub'],['sub'],['sub'],['sub'],['sub'],['sub'],['sub'],['sub']]", 0,
         "one_of: must have 1 to 7 elements", NULL},
    };
    (void)state;
    ASSERT_ALL_WRONG(cases);
}

static void no_profile_accepts_what_is_the_agents(void **state)
{
    static const char *const reserved[] = {
        "iss",       "aud",           "iat",          "exp",     "nbf",         "jti",
        "client_id", "uid",           "scope",        "azp",     "act",         "cnf",
        "nonce",     "response_type", "redirect_uri", "request", "request_uri",
    };
    static const struct member *const kinds[] = {pingone, authway, assertion};
    (void)state;
    for (size_t i = 0; i < 3 * sizeof reserved / sizeof reserved[0]; i++) {
        char value[64], error[128];
        snprintf(value, sizeof value, "{\n'%s':'string'}", reserved[i / 3]);
        snprintf(error, sizeof error, "accept.%s: belongs to the agent: no caller can give it",
                 reserved[i / 3]);
        assert_wrong(&(struct wrong){"accept", value, 1, error, kinds[i % 3]});
    }
}

/* Errors that need the whole profile point at its beginning. */
static void members_that_contradict_each_other(void **state)
{
    struct profile *profile;
    char text[MEMBERS_TEXT_MAX];
    (void)state;
    members_write(authway, "lifetime", "60, 'backdate': 60", text);
    assert_string_equal(load(text, &profile), "1: \"backdate\" must be less than \"lifetime\"");
    members_write(assertion, "backdate", "60", text); /* whose lifetime is 60 by itself */
    assert_string_equal(load(text, &profile), "1: \"backdate\" must be less than \"lifetime\"");
    members_write(authway, "backdate", "300", text); /* there is no exp that could have passed */
    profile_free(load_good(text));
    assert_string_equal(load("[]", &profile), "1: must be an object");
}

static void strings_have_a_limit(void **state)
{
    char text[MEMBERS_TEXT_MAX], value[1100] = "'";
    struct profile *profile;
    (void)state;
    memset(value + 1, 'x', 1024);
    strcpy(value + 1025, "'");
    members_write(authway, "client_id", value, text);
    profile = load_good(text);
    assert_int_equal(strlen(profile->issuer), 1024);
    profile_free(profile);
    strcpy(value + 1025, "x'");
    assert_wrong(
        &(struct wrong){"client_id", value, 0, "client_id: must have 1 to 1024 bytes", NULL});
}

/* 32 claims with the two of the kind itself. */
static void claims_have_a_limit(void **state)
{
    char text[MEMBERS_TEXT_MAX], value[1024], *end = stpcpy(value, "{'c0':'string'");
    struct profile *profile;
    (void)state;
    for (int i = 1; i < 30; i++)
        end += sprintf(end, ",'c%d':'string'", i);
    strcpy(end, "}");
    members_write(authway, "accept", value, text);
    profile = load_good(text);
    assert_int_equal(profile->accept_count, 32);
    profile_free(profile);
    strcpy(end, ",'c30':'string'}");
    members_write(authway, "accept", value, text);
    assert_string_equal(load(text, &profile), "1: there are more than 32 claims");
    strcpy(end, ",'c30':'string',\n'c31':'string'}");
    assert_wrong(&(struct wrong){"accept", value, 1,
                                 "accept.c31: is more than the 32 claims there may be", NULL});
}

static void what_every_member_becomes(void **state)
{
    (void)state;
    struct profile *profile = load_good(
        "{'version':1,'kind':'authway','key':'pkcs11:object=k','algorithm':'HS512',"
        "'client_id':'app','audiences':['https://a','https://b'],'lifetime':86400,'backdate':300,"
        "'allow':[{'user':'root','group':'root'},{'uid':4294967293},{'gid':7,'unit':'a@b.service','"
        "listener':'shop'}],"
        "'accept':{'tid':'uuid','email':{'form':'email','max':64},'description':'string'},"
        "'required':['email'],'one_of':[['sub','tid'],['description']],'description':'#4711'}");
    assert_string_equal(profile->kind->name, "authway");
    assert_string_equal(profile->key_uri, "pkcs11:object=k");
    assert_string_equal(profile->mech->algorithm, "HS512");
    assert_string_equal(profile->issuer, "app");
    assert_int_equal(profile->audience_count, 2);
    assert_string_equal(profile->audiences[1], "https://b");
    assert_int_equal(profile->lifetime, 86400);
    assert_int_equal(profile->backdate, 300);

    assert_int_equal(profile->allow_count, 3);
    assert_true(profile->allow[0].by_uid && profile->allow[0].by_gid);
    assert_int_equal(profile->allow[0].uid, 0);
    assert_int_equal(profile->allow[1].uid, 4294967293);
    assert_false(profile->allow[1].by_gid);
    assert_int_equal(profile->allow[2].gid, 7);
    assert_string_equal(profile->allow[2].unit, "a@b.service");
    assert_string_equal(profile->allow[2].listener, "shop");
    assert_string_equal(profile->allow[0].user, "root");
    assert_null(profile->allow[1].user);

    /* sub first, tid last, the others as they stand in the profile. */
    static const char *const names[] = {"sub", "email", "description", "tid"};
    static const char *const forms[] = {"string", "email", "string", "uuid"};
    assert_int_equal(profile->accept_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(profile->accept[i].name, names[i]);
        assert_string_equal(profile->accept[i].form->name, forms[i]);
        assert_int_equal(profile->accept[i].max, i == 1 ? 64 : 1024);
        assert_int_equal(profile_claim(profile, names[i]), 1 << i);
    }
    assert_int_equal(profile_claim(profile, "phone"), 0);
    assert_int_equal(profile->required, 2);
    assert_int_equal(profile->one_of_count, 2); /* the required one identifies the user */
    assert_int_equal(profile->one_of[0], 1 | 8);
    assert_int_equal(profile->one_of[1], 4);
    profile_free(profile);
}

static struct profile *load_with(const struct member *base, const char *member, const char *value)
{
    char text[MEMBERS_TEXT_MAX];
    members_write(base, member, value, text);
    return load_good(text);
}

static void what_each_kind_gives_by_itself(void **state)
{
    (void)state;
    struct profile *profile = load_with(pingone, "description", "''");
    assert_int_equal(profile->lifetime, 300);
    assert_string_equal(profile->typ, "JWT");
    assert_int_equal(profile->accept_count, 1);
    assert_int_equal(profile->required, 1);
    assert_int_equal(profile->allow_count, 0);
    profile_free(profile);

    profile = load_with(authway, "description", "''");
    assert_int_equal(profile->lifetime, 0);
    assert_int_equal(profile->accept_count, 2);
    assert_int_equal(profile->required, 1);
    assert_int_equal(profile->one_of_count, 0);
    profile_free(profile);

    profile = load_with(assertion, "typ", "'client-authentication+jwt'");
    assert_int_equal(profile->lifetime, 60);
    assert_string_equal(profile->typ, "client-authentication+jwt");
    assert_null(profile->kid);
    assert_int_equal(profile->accept_count, 0);
    assert_int_equal(profile->required, 0);
    assert_int_equal(profile->one_of_count, 0);
    profile_free(profile);

    profile = load_with(pingone, "accept", "{'sub':{'form':'email','max':20}}");
    assert_string_equal(profile->accept[0].form->name, "email");
    assert_int_equal(profile->accept[0].max, 20);
    assert_int_equal(profile->accept_count, 1);
    profile_free(profile);
}

/* tid alone identifies nobody: at least one other claim is asked for, whatever the profile says. */
static void an_identifier_is_always_asked_for(void **state)
{
    (void)state;
    struct profile *profile =
        load_with(authway, "accept", "{'email':'email'}, 'required': ['tid']");
    assert_int_equal(profile->required, 4);
    assert_int_equal(profile->one_of_count, 1);
    assert_int_equal(profile->one_of[0], 1 | 2);
    profile_free(profile);

    profile = load_with(authway, "accept",
                        "{'email':'email'}, 'one_of': [['tid'],['tid'],['tid'],['tid'],['tid'],"
                        "['tid'],['tid']]");
    assert_int_equal(profile->one_of_count, 8);
    assert_int_equal(profile->one_of[7], 1 | 2);
    profile_free(profile);
}

static void names(void **state)
{
    static const char *const good[] = {"a", "0", "acme", "a.b_c-9", "_", "-", "a.json"};
    static const char *const bad[] = {"", ".", ".a", "A", "a b", "a/b", "../a", "a\n", "\xc3\xa9"};
    char name[PROFILE_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(profile_is_name(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(profile_is_name(bad[i], strlen(bad[i])));
    memset(name, 'x', sizeof name);
    assert_true(profile_is_name(name, 64));
    assert_false(profile_is_name(name, 65));
    assert_false(profile_is_name("a\0b", 3));
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(wrong_members),
        test(wrong_callers),
        test(wrong_members_of_private_keys),
        test(wrong_claims),
        test(no_profile_accepts_what_is_the_agents),
        test(members_that_contradict_each_other),
        test(strings_have_a_limit),
        test(claims_have_a_limit),
        test(what_every_member_becomes),
        test(what_each_kind_gives_by_itself),
        test(an_identifier_is_always_asked_for),
        test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
