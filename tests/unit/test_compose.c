/* Tests of composing: header and claims of each kind, byte for byte, and golden signatures. */
#include "config.h"
#include "agent/compose.h"
#include "agent/policy.h"
#include "agent/jose/base64url.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const unsigned char random_bytes[COMPOSE_JTI_BYTES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                              8, 9, 10, 11, 12, 13, 14, 15};

/* What was composed last; the texts are used again and again, as a worker does. */
static struct text claims, token;
static struct composed composed;

/* Mints under the profile "acme": `parameters` are those of Mint besides `profile`. */
static void compose_as(const struct conf *conf, const char *parameters, time_t now)
{
    struct peer peer = {.listener = "default", .identified = true};
    struct request request;
    struct refusal refusal = {0};
    struct verdict verdict;
    char text[4096];
    snprintf(text, sizeof text,
             "{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'acme'%s}}", parameters);
    char *message = quoted(text);
    assert_int_equal(request_parse(message, strlen(message), &request, &refusal), 0);
    if (policy_check(conf, &peer, &request, &verdict, &refusal) < 0)
        fail_msg("%s: %s", parameters, refusal.message);
    assert_int_equal(compose_token(&verdict, now, random_bytes, &claims, &token, &composed), 0);
    free(message);
}

/* The same with a profile of its own; `members` are those besides GIVEN_PROFILE and `allow`. */
static void compose(const char *members, const char *parameters, time_t now)
{
    char text[4096];
    snprintf(text, sizeof text, "{'version':1,'key':'pkcs11:object=k','allow':[{'uid':0}],%s}",
             members);
    given_profile("acme", text);
    struct conf *conf = given_conf();
    compose_as(conf, parameters, now);
    conf_unref(conf);
}

static void assert_claims(const char *wanted)
{
    char *json = quoted(wanted);
    if (claims.length != strlen(json) || memcmp(claims.data, json, claims.length) != 0)
        fail_msg("got:    %.*s\nwanted: %s", (int)claims.length, claims.data, json);
    free(json);
}

/* The token is the signing input of this header and the claims composed. */
static void assert_header(const char *wanted)
{
    char expected[8192], *json = quoted(wanted), *end = expected;
    base64url_encode(json, strlen(json), end);
    end += BASE64URL_LENGTH(strlen(json));
    *end++ = '.';
    base64url_encode(claims.data, claims.length, end);
    end += BASE64URL_LENGTH(claims.length);
    assert_int_equal(token.length, end - expected);
    assert_memory_equal(token.data, expected, token.length);
    free(json);
}

/* What OpenSSL signs the composed input to. */
static void assert_signature(const void *key, size_t key_length, const char *wanted)
{
    unsigned char mac[32];
    char signature[BASE64URL_LENGTH(32) + 1] = "";
    assert_non_null(HMAC(EVP_sha256(), key, (int)key_length, (unsigned char *)token.data,
                         token.length, mac, NULL));
    base64url_encode(mac, sizeof mac, signature);
    assert_string_equal(signature, wanted);
}

static void pingone_as_jwtgen_has_it(void **state)
{
    (void)state;
    compose("'algorithm':'HS256','kind':'pingone','client_id':'YOUR_CLIENT_ID','lifetime':11,"
            "'audiences':['https://auth.pingone.com/YOUR_ENVIRONMENT_ID/as']",
            ",'claims':{'sub':'YOUR_USER_ID_OR_USERNAME'}", 1300819380);
    assert_claims("{'iat':1300819380,'exp':1300819391,'iss':'YOUR_CLIENT_ID',"
                  "'sub':'YOUR_USER_ID_OR_USERNAME',"
                  "'aud':'https://auth.pingone.com/YOUR_ENVIRONMENT_ID/as'}");
    assert_header("{'typ':'JWT','alg':'HS256'}");
    assert_signature("YOUR_CLIENT_SECRET", 18, "JcKoN01AzQqOnxJtIQhUeMrDZoQqfw4vzYnvGHqRaiI");
    assert_int_equal(composed.expires_at, 1300819391);
    assert_string_equal(composed.jti, "");
}

static void pingone_with_other_algorithms(void **state)
{
    (void)state;
    compose("'algorithm':'HS384','kind':'pingone','client_id':'a','audiences':['b']",
            ",'claims':{'sub':'c'}", 1);
    assert_claims("{'iat':1,'exp':301,'iss':'a','sub':'c','aud':'b'}");
    assert_header("{'typ':'JWT','alg':'HS384'}");
    compose("'algorithm':'HS512','kind':'pingone','client_id':'a','audiences':['b']",
            ",'claims':{'sub':'c'}", 1);
    assert_header("{'typ':'JWT','alg':'HS512'}");
}

/* The key of authway: base64 of the secret's SHA-256, as text. */
static void derive(const char *secret, unsigned char key[static 45])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)secret, strlen(secret), digest);
    assert_int_equal(EVP_EncodeBlock(key, digest, sizeof digest), 44);
}

static void authway_as_the_vendors_sample_has_it(void **state)
{
    unsigned char key[45];
    (void)state;
    compose("'algorithm':'HS256','kind':'authway','client_id':'TestTrustedApp',"
            "'audiences':['https://tenant.irmciam.se']",
            ",'claims':{'sub':'FEFC9E8B-062B-DF44-FDF0-39FC52AE2B58'}", 1674050819);
    assert_claims("{'sub':'FEFC9E8B-062B-DF44-FDF0-39FC52AE2B58','iat':1674050819,"
                  "'iss':'TestTrustedApp','aud':'https://tenant.irmciam.se'}");
    assert_header("{'alg':'HS256','typ':'JWT'}");
    derive("W7k1i3EvpYSApLj6CW7pYGkYsFTGdwJ96m0uIh64", key);
    assert_string_equal((char *)key, "DsvTiGmtZG3sMea/dkukX13azeXvw2/xno/4+YTRVKU=");
    assert_signature(key, 44, "HJNiQOYwrB6hnTrgvlW8gTeT_J_-af-KgQyxb9rt70M");
    assert_int_equal(composed.expires_at, 0);
}

/* sub first, tid last, the others as they stand in the profile; what is not given leaves no trace.
 */
static void authway_order(void **state)
{
    (void)state;
#define AUTHWAY                                                                                    \
    "'algorithm':'HS256','kind':'authway','client_id':'a','audiences':['b'],"                      \
    "'accept':{'tid':'string','phone_number':'e164','email':'email'}"
    compose(AUTHWAY, ",'claims':{'tid':'t','email':'e@f','sub':'s','phone_number':'+12'}", 7);
    assert_claims("{'sub':'s','phone_number':'+12','email':'e@f','tid':'t','iat':7,'iss':'a',"
                  "'aud':'b'}");
    compose(AUTHWAY, ",'claims':{'email':'e@f'}", 7);
    assert_claims("{'email':'e@f','iat':7,'iss':'a','aud':'b'}");
    compose(AUTHWAY ",'lifetime':60,'backdate':5", ",'claims':{'tid':'t','sub':'s'}", 7);
    assert_claims("{'sub':'s','tid':'t','iat':2,'iss':'a','aud':'b','exp':62}");
    assert_int_equal(composed.expires_at, 62);
}

static void client_assertion(void **state)
{
    (void)state;
    compose("'algorithm':'HS256','kind':'client_assertion','client_id':'app','audiences':['b'],"
            "'typ':'client-authentication+jwt','kid':'k\\\\1'",
            "", 100);
    assert_claims("{'iss':'app','sub':'app','aud':'b','jti':'AAECAwQFBgcICQoLDA0ODw','iat':100,"
                  "'exp':160}");
    assert_header("{'alg':'HS256','typ':'client-authentication+jwt','kid':'k\\\\1'}");
    assert_string_equal(composed.jti, "AAECAwQFBgcICQoLDA0ODw");
    compose("'algorithm':'HS256','kind':'client_assertion','client_id':'app','audiences':['b']", "",
            100);
    assert_header("{'alg':'HS256','typ':'JWT'}");
}

static void ciba(void **state)
{
    (void)state;
    compose("'algorithm':'HS256','kind':'ciba','issuer':'i','audiences':['b'],"
            "'accept':{'z':'string','n':'integer','ok':'boolean','sub':'string'}",
            ",'claims':{'sub':'s','ok':true,'n':-9007199254740991,'z':'z'}", 100);
    assert_claims("{'iss':'i','aud':'b','iat':100,'exp':400,'jti':'AAECAwQFBgcICQoLDA0ODw','z':'z',"
                  "'n':-9007199254740991,'ok':true,'sub':'s'}");
    assert_header("{'alg':'HS256','typ':'JWT'}");
}

/* Randomness is fetched for those kinds that have a jti, and for no others. */
static void who_wants_random_bytes(void **state)
{
    (void)state;
#define ACME "{" GIVEN_PROFILE ",'client_id':'a','audiences':['b'],'kind':"
    given_profile("acme", ACME "'pingone'}");
    given_profile("auth", ACME "'authway'}");
    given_profile("assertion", ACME "'client_assertion'}");
    struct conf *conf = given_conf();
    assert_false(compose_wants_random(conf_profile(conf, "acme")));
    assert_false(compose_wants_random(conf_profile(conf, "auth")));
    assert_true(compose_wants_random(conf_profile(conf, "assertion")));
    conf_unref(conf);
}

/* Text goes in as jwtgen writes it: nothing but what JSON makes one escape. */
static void subjects_of_any_kind(void **state)
{
    static const char *const subjects[] = {
        "\xc3\xa5\xc3\xa4\xc3\xb6",
        "\xe6\x97\xa5\xe6\x9c\xac",
        "\xf0\x9f\x98\x80",
        "\xe2\x80\xa8",
        "a/b",
        "\x7f",
        "<script>",
        "\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a",
        "e\xcc\x81",
        " x ",
    };
    (void)state;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        char parameters[128], wanted[128];
        snprintf(parameters, sizeof parameters, ",'claims':{'sub':'%s'}", subjects[i]);
        snprintf(wanted, sizeof wanted, "{'iat':5,'exp':305,'iss':'a','sub':'%s','aud':'b'}",
                 subjects[i]);
        compose("'algorithm':'HS256','kind':'pingone','client_id':'a','audiences':['b']",
                parameters, 5);
        assert_claims(wanted);
    }
    compose(
        "'algorithm':'HS256','kind':'pingone','client_id':'\\u00e5\\'\\\\','audiences':['b\\/']",
        ",'claims':{'sub':'\\'\\\\\\u2028\\/'}", 5);
    assert_claims("{'iat':5,'exp':305,'iss':'\xc3\xa5\\'\\\\','sub':'\\'\\\\\xe2\x80\xa8/',"
                  "'aud':'b/'}");
}

/* A short token behind a long one has nothing left of it; each audience has its own template. */
static void one_after_the_other(void **state)
{
    char parameters[1200];
    (void)state;
    given_profile("acme", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','allow':[{'uid':0}],"
                          "'audiences':['https://one','https://two']}");
    struct conf *conf = given_conf();
    char *end = stpcpy(parameters, ",'audience':'https://two','claims':{'sub':'");
    memset(end, 'x', 1024);
    strcpy(end + 1024, "'}");
    compose_as(conf, parameters, 5);
    assert_int_equal(claims.length, 1024 + strlen("{'iat':5,'exp':305,'iss':'a','sub':'','aud':"
                                                  "'https://two'}"));
    compose_as(conf, ",'audience':'https://one','claims':{'sub':'y'}", 2000000000000);
    assert_claims("{'iat':2000000000000,'exp':2000000000300,'iss':'a','sub':'y','aud':"
                  "'https://one'}");
    assert_header("{'typ':'JWT','alg':'HS256'}");
    compose_as(conf, ",'audience':'https://two','claims':{'sub':'y'}", 5);
    assert_claims("{'iat':5,'exp':305,'iss':'a','sub':'y','aud':'https://two'}");
    conf_unref(conf);
}

static int close_texts(void **state)
{
    text_free(&claims);
    text_free(&token);
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, close_texts)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(pingone_as_jwtgen_has_it),
        test(pingone_with_other_algorithms),
        test(authway_as_the_vendors_sample_has_it),
        test(authway_order),
        test(client_assertion),
        test(ciba),
        test(who_wants_random_bytes),
        test(subjects_of_any_kind),
        test(one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
