/* Tests of the text for access reviews: all of it, and that all that matters changes it. */
#include "config.h"
#include "agent/access.h"

#include "tests/unit/given.h"
#include "tests/unit/members.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What the agent would print of the configuration as it is now; to be freed. */
static char *print(void)
{
    struct text text = {0};
    struct conf *conf = given_conf();
    assert_int_equal(access_write(conf, EVP_sha256(), &text), 0);
    conf_unref(conf);
    text_add(&text, "", 1);
    return text.data;
}

static void give_agent(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{'tokens':[{'name':'a','uri':'pkcs11:token=a?module-path=/nowhere.so'}],"
             "'listeners':[{'name':'default','path':'/run/a.sock','mode':'0600'},"
             "{'name':'shop','path':'/run/b.sock','group':'root'}],"
             "'profiles_dir':'%s'%s}",
             scratch_path("profiles.d"), more);
    scratch_json("agent.json", text);
}

static const struct member profile[] = {
    {"version", "1"},
    {"kind", "'ciba'"},
    {"key", "'pkcs11:object=k'"},
    {"algorithm", "'ES256'"},
    {"issuer", "'https://\\u00e9.example/\\\"'"},
    {"audiences", "['https://a','https://b']"},
    {"typ", "'x+jwt'"},
    {"kid", "'k1'"},
    {"lifetime", "60"},
    {"backdate", "5"},
    {"publish", "['pkcs11:object=old',{'key':'pkcs11:object=new','kid':'k2'}]"},
    {"seal", "{'alg':['RSA-OAEP-256'],'enc':'A256GCM'}"},
    {"accept", "{'sub':{'form':'string','max':64},'email':'email','n':'integer','b':'boolean',"
               "'who':{'form':'sub_id','formats':['email','opaque']},"
               "'o':{'form':'object','members':{'p':'e164','q':'string'},'required':['p']}}"},
    {"required", "['n']"},
    {"one_of", "[['sub','email']]"},
    {"allow", "[{'user':'root','group':'root'},{'uid':7,'unit':'a.service'},"
              "{'gid':8,'listener':'shop'},{'unit':'b.service'}]"},
    {"rate_limit", "{'per_second':10,'burst':20}"},
    {NULL, NULL},
};

static void give_profile(const char *name, const char *value)
{
    char text[MEMBERS_TEXT_MAX];
    members_write(profile, name, value, text);
    given_profile("full", text);
}

static const char wanted[] = "peer_pid pidfd\n"
                             "\n"
                             "listener \"default\"\n"
                             "  path       \"/run/a.sock\"\n"
                             "  mode       0600\n"
                             "\n"
                             "listener \"shop\"\n"
                             "  path       \"/run/b.sock\"\n"
                             "  mode       0660\n"
                             "  group      gid 0\n"
                             "\n"
                             "token \"a\"\n"
                             "  uri        \"pkcs11:token=a?module-path=/nowhere.so\"\n"
                             "\n"
                             "profile \"a-small-one\"\n"
                             "  kind       pingone\n"
                             "  key        \"pkcs11:object=k\"\n"
                             "  next_key   \"pkcs11:object=n\"\n"
                             "  algorithm  HS256\n"
                             "  client_id  \"a\"\n"
                             "  audience   \"b\"\n"
                             "  lifetime   300 seconds\n"
                             "  accept     \"sub\" string, at most 1024 bytes, required\n"
                             "  allow      nobody\n"
                             "\n"
                             "profile \"full\"\n"
                             "  kind       ciba\n"
                             "  key        \"pkcs11:object=k\"\n"
                             "  algorithm  ES256\n"
                             "  publish    \"pkcs11:object=old\" ES256\n"
                             "  publish    \"pkcs11:object=new\" ES256 kid \"k2\"\n"
                             "  issuer     \"https://\\u00E9.example/\\\"\"\n"
                             "  audience   \"https://a\"\n"
                             "  audience   \"https://b\"\n"
                             "  typ        \"x+jwt\"\n"
                             "  kid        \"k1\"\n"
                             "  lifetime   60 seconds\n"
                             "  backdate   5 seconds\n"
                             "  accept     \"sub\" string, at most 64 bytes\n"
                             "  accept     \"email\" email, at most 1024 bytes\n"
                             "  accept     \"n\" integer, required\n"
                             "  accept     \"b\" boolean\n"
                             "  accept     \"who\" sub_id email opaque, at most 1024 bytes\n"
                             "  accept     \"o\" object\n"
                             "  accept     \"o\".\"p\" e164, at most 1024 bytes, required\n"
                             "  accept     \"o\".\"q\" string, at most 1024 bytes\n"
                             "  one_of     \"sub\", \"email\"\n"
                             "  allow      user \"root\" uid 0, group \"root\" gid 0\n"
                             "  allow      uid 7, unit \"a.service\"\n"
                             "  allow      gid 8, listener \"shop\"\n"
                             "  allow      unit \"b.service\"\n"
                             "  rate_limit 10 per second, 20 at once\n"
                             "\n"
                             "profile \"signer\"\n"
                             "  kind       raw\n"
                             "  key        \"pkcs11:object=tls\"\n"
                             "  algorithm  PS256\n"
                             "  algorithm  RS256\n"
                             "  allow      uid 9\n"
                             "\n"
                             "sha256 ";

static void the_whole_text(void **state)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 2] = "";
    unsigned length;
    (void)state;
    given_profile("a-small-one",
                  "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b'],"
                  "'next_key':'pkcs11:object=n'}");
    given_profile("signer", "{'version':1,'kind':'raw','key':'pkcs11:object=tls',"
                            "'algorithms':['PS256','RS256'],'allow':[{'uid':9}]}");
    give_profile("seal", NULL);
    give_agent("");
    char *text = print();
    size_t covered = strlen(wanted) - strlen("sha256 ");
    if (strncmp(text, wanted, strlen(wanted)) != 0)
        fail_msg("%s", text);
    assert_int_equal(EVP_Digest(text, covered, hash, &length, EVP_sha256(), NULL), 1);
    for (unsigned i = 0; i < length; i++)
        sprintf(hex + strlen(hex), "%02x", hash[i]);
    assert_string_equal(text + strlen(wanted), strcat(hex, "\n"));
    free(text);
}

/* A difference of any member shows, but for one that changes nothing. */
static void whatever_matters_shows(void **state)
{
    static const struct {
        const char *member;
        const char *value;
    } changes[] = {
        {"key", "'pkcs11:object=l'"},
        {"algorithm", "'ES384'"},
        {"issuer", "'https://other'"},
        {"audiences", "['https://a']"},
        {"audiences", "['https://a','https://b','https://c']"},
        {"typ", "'y+jwt'"},
        {"kid", NULL},
        {"lifetime", "61"},
        {"backdate", "0"},
        {"publish", NULL},
        {"seal", NULL},
        {"seal", "{'alg':['RSA-OAEP-256'],'enc':'A128GCM'}"},
        {"seal", "{'alg':['ECDH-ES+A128KW'],'enc':'A256GCM'}"},
        {"required", NULL},
        {"required", "['n','b']"},
        {"one_of", NULL},
        {"one_of", "[['sub','b']]"},
        {"rate_limit", NULL},
        {"rate_limit", "{'per_second':10,'burst':21}"},
        {"allow", NULL},
        {"allow", "[{'user':'root'}]"},
        {"allow", "[{'uid':0,'group':'root'},{'uid':7,'unit':'a.service'},"
                  "{'gid':8,'listener':'shop'},{'unit':'b.service'}]"},
    };
    char *texts[sizeof changes / sizeof changes[0] + 1];
    size_t count = 0;
    (void)state;
    give_profile("description", "'first'");
    give_agent("");
    texts[count++] = print();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        give_profile(changes[i].member, changes[i].value);
        texts[count] = print();
        for (size_t j = 0; j < count; j++)
            if (strcmp(texts[j], texts[count]) == 0)
                fail_msg("%s = %s does not show", changes[i].member, changes[i].value);
        count++;
    }
    give_profile("description", "'second'");
    give_agent(",'workers':3");
    char *same = print();
    assert_string_equal(same, texts[0]);
    free(same);
    give_agent(",'peer_pid':'best-effort'");
    char *other = print();
    assert_string_not_equal(other, texts[0]);
    free(other);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {test(the_whole_text), test(whatever_matters_shows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
