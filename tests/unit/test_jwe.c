/* Tests of encrypted tokens: what we seal opens, and nothing else does. */
#include "config.h"
#include "agent/jose/jwe.h"
#include "agent/jose/base64url.h"
#include "agent/jose/ecdh.h"
#include "agent/jose/jwk.h"
#include "tests/unit/jose_given.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const algs[] = {
    "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW",
};
static const char *const encs[] = {"A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"};
static const char *const types[] = {"RSA", "P-256", "P-384", "P-521", "X25519"};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static EVP_PKEY *keys[COUNT(types)];

static int setup(void **state)
{
    if (jose_given_setup(state) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(types); i++)
        keys[i] = jose_keys_generate(jose_given, types[i]);
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < COUNT(types); i++)
        EVP_PKEY_free(keys[i]);
    return jose_given_teardown(state);
}

static EVP_PKEY *key_of(const char *type)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (strcmp(types[i], type) == 0)
            return keys[i];
    fail();
    return NULL;
}

/* A token for one of the keys. */
static char *seal(const char *alg, const char *enc, const char *type, const char *kid,
                  const char *plaintext, size_t length)
{
    struct jwe_recipient *recipient;
    char *token;
    size_t token_len;
    assert_int_equal(
        jwe_recipient_new(jose_given, alg_find(alg), enc_find(enc), key_of(type), kid, &recipient),
        0);
    assert_int_equal(jwe_seal(recipient, plaintext, length, &token, &token_len), 0);
    assert_int_equal(token_len, strlen(token));
    jwe_recipient_free(recipient);
    return token;
}

static int open_token(EVP_PKEY *key, const char *token, char **ret_plaintext)
{
    size_t length;
    int r = jwe_open(jose_given, key, token, strlen(token), ret_plaintext, &length);
    if (r == 0)
        assert_int_equal(length, strlen(*ret_plaintext));
    return r;
}

static void assert_open(EVP_PKEY *key, const char *token, int wanted)
{
    char *plaintext = NULL;
    int r = open_token(key, token, &plaintext);
    free(plaintext);
    if (r != wanted)
        fail_msg("%d instead of %d: %s", r, wanted, token);
}

/* The text of a token's header. */
static json_t *header_of(const char *token, char *text, size_t size)
{
    size_t length = strcspn(token, ".");
    assert_true(BASE64URL_BYTES(length) < size);
    assert_int_equal(base64url_decode(token, length, text), 0);
    text[BASE64URL_BYTES(length)] = '\0';
    json_t *header = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(header);
    return header;
}

/* The token with another header; ' stands for ". */
static char *with_header(const char *token, const char *text)
{
    json_t *json = jose_json(text);
    char *compact = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY), *result;
    char encoded[4096] = "";
    base64url_encode(compact, strlen(compact), encoded);
    assert_true(asprintf(&result, "%s%s", encoded, strchr(token, '.')) > 0);
    free(compact);
    json_decref(json);
    return result;
}

/* The header, member by member, in the order that the wire has. */
static void assert_header(const char *token, const char *alg, const char *enc, const char *type)
{
    char text[1024], wanted[1024];
    const struct keytype *row = keytype_of(key_of(type));
    json_t *header = header_of(token, text, sizeof text);
    int n = snprintf(wanted, sizeof wanted,
                     "{\"alg\":\"%s\",\"enc\":\"%s\",\"kid\":\"k1\",\"cty\":\"JWT\"", alg, enc);
    if (row->id != KEYTYPE_RSA) {
        json_t *epk = json_object_get(header, "epk");
        n += snprintf(wanted + n, sizeof wanted - (size_t)n,
                      ",\"epk\":{\"kty\":\"%s\",\"crv\":\"%s\",\"x\":\"%s\"", row->kty, row->crv,
                      jose_text(epk, "x"));
        assert_int_equal(strlen(jose_text(epk, "x")), BASE64URL_LENGTH(row->size));
        if (row->group)
            n += snprintf(wanted + n, sizeof wanted - (size_t)n, ",\"y\":\"%s\"",
                          jose_text(epk, "y"));
        n += snprintf(wanted + n, sizeof wanted - (size_t)n, "}");
    }
    snprintf(wanted + n, sizeof wanted - (size_t)n, "}");
    assert_string_equal(text, wanted);
    json_decref(header);
}

static void every_combination(void **state)
{
    size_t fitting = 0;
    (void)state;
    for (size_t a = 0; a < COUNT(algs); a++)
        for (size_t e = 0; e < COUNT(encs); e++)
            for (size_t t = 0; t < COUNT(types); t++) {
                char *plaintext;
                if ((strncmp(algs[a], "RSA", 3) == 0) != (strcmp(types[t], "RSA") == 0))
                    continue;
                char *token = seal(algs[a], encs[e], types[t], "k1", "a.b.c", 5);
                assert_header(token, algs[a], encs[e], types[t]);
                if (open_token(keys[t], token, &plaintext) < 0)
                    fail_msg("%s %s %s does not open", algs[a], encs[e], types[t]);
                assert_string_equal(plaintext, "a.b.c");
                free(plaintext);
                free(token);
                fitting++;
            }
    assert_int_equal(fitting, (2 * 1 + 3 * 4) * 4);
}

static void every_length(void **state)
{
    char plaintext[70], *opened;
    size_t length;
    (void)state;
    memset(plaintext, 'x', sizeof plaintext);
    for (size_t e = 0; e < COUNT(encs); e++)
        for (size_t i = 0; i <= sizeof plaintext; i++) {
            char *token = seal("ECDH-ES", encs[e], "X25519", NULL, plaintext, i);
            assert_int_equal(
                jwe_open(jose_given, key_of("X25519"), token, strlen(token), &opened, &length), 0);
            assert_int_equal(length, i);
            assert_memory_equal(opened, plaintext, i);
            free(opened);
            free(token);
        }
}

static void as_long_as_allowed(void **state)
{
    char *plaintext = malloc(JWE_PLAINTEXT_MAX + 1), *token, *opened;
    struct jwe_recipient *recipient;
    size_t length;
    (void)state;
    memset(plaintext, 'x', JWE_PLAINTEXT_MAX);
    plaintext[JWE_PLAINTEXT_MAX] = '\0';
    token = seal("ECDH-ES", "A256CBC-HS512", "X25519", NULL, plaintext, JWE_PLAINTEXT_MAX);
    assert_int_equal(open_token(key_of("X25519"), token, &opened), 0);
    assert_string_equal(opened, plaintext);
    free(opened);
    free(token);
    assert_int_equal(jwe_recipient_new(jose_given, alg_find("ECDH-ES"), enc_find("A128GCM"),
                                       key_of("X25519"), NULL, &recipient),
                     0);
    assert_int_equal(jwe_seal(recipient, plaintext, JWE_PLAINTEXT_MAX + 1, &token, &length),
                     JOSE_INVALID);
    jwe_recipient_free(recipient);
    free(plaintext);
}

/* Every character becomes another one of the alphabet, one at a time. */
static void assert_tamper_proof(const char *alg, const char *enc, const char *type)
{
    char *token = seal(alg, enc, type, "k", "plaintext", 9);
    EVP_PKEY *key = key_of(type);
    assert_open(key, token, 0);
    for (char *c = token; *c; c++) {
        char old = *c, *plaintext;
        *c = old == '.' ? 'A' : old == 'A' ? 'B' : 'A';
        if (open_token(key, token, &plaintext) == 0)
            fail_msg("%s %s %s: character %zu may change", alg, enc, type, (size_t)(c - token));
        *c = old;
    }
    assert_open(key, token, 0);
    free(token);
}

static void no_character_may_change(void **state)
{
    (void)state;
    assert_tamper_proof("RSA-OAEP", "A128CBC-HS256", "RSA");
    assert_tamper_proof("RSA-OAEP-256", "A256GCM", "RSA");
    assert_tamper_proof("ECDH-ES", "A256CBC-HS512", "P-256");
    assert_tamper_proof("ECDH-ES+A128KW", "A128GCM", "P-384");
    assert_tamper_proof("ECDH-ES+A256KW", "A128CBC-HS256", "P-521");
    assert_tamper_proof("ECDH-ES", "A256GCM", "X25519");
}

static void parts_may_not_be_cut(void **state)
{
    char *token = seal("ECDH-ES+A128KW", "A128GCM", "P-256", NULL, "plaintext", 9), *more;
    EVP_PKEY *key = key_of("P-256");
    (void)state;
    for (size_t length = strlen(token) - 1; length > 0; length--) {
        char *plaintext, *cut = strndup(token, length);
        assert_int_not_equal(open_token(key, cut, &plaintext), 0);
        free(cut);
    }
    assert_true(asprintf(&more, "%s.", token) > 0);
    assert_open(key, more, JOSE_INVALID);
    free(more);
    assert_true(asprintf(&more, ".%s", token) > 0);
    assert_open(key, more, JOSE_INVALID);
    free(more);
    free(token);
}

static void another_key_does_not_open_it(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(types); t++) {
        EVP_PKEY *other = jose_keys_generate(jose_given, types[t]);
        char *token =
            seal(t == 0 ? "RSA-OAEP" : "ECDH-ES+A128KW", "A128GCM", types[t], NULL, "p", 1);
        assert_open(other, token, JOSE_REFUSED);
        for (size_t u = 0; u < COUNT(types); u++)
            if (u != t)
                assert_open(keys[u], token, (u == 0) == (t == 0) ? JOSE_INVALID : JOSE_MISMATCH);
        free(token);
        EVP_PKEY_free(other);
    }
}

/* A wrong key and a wrong tag give the same answer. */
static void failures_look_alike(void **state)
{
    static const char *const rows[][2] = {{"RSA-OAEP", "RSA"}, {"ECDH-ES+A256KW", "P-256"}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *token = seal(rows[i][0], "A256GCM", rows[i][1], NULL, "p", 1);
        char *key = strchr(token, '.') + 1, *tag = strrchr(token, '.') + 1, old = key[3];
        key[3] = old == 'A' ? 'B' : 'A';
        assert_open(key_of(rows[i][1]), token, JOSE_REFUSED);
        key[3] = old;
        tag[3] = tag[3] == 'A' ? 'B' : 'A';
        assert_open(key_of(rows[i][1]), token, JOSE_REFUSED);
        free(token);
    }
}

static void headers_that_are_refused(void **state)
{
    static const struct {
        const char *header;
        int wanted;
    } rows[] = {
        {"[]", JOSE_INVALID},
        {"{}", JOSE_INVALID},
        {"{'alg':'RSA-OAEP'}", JOSE_INVALID},
        {"{'alg':'RSA-OAEP','enc':1}", JOSE_INVALID},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','kid':1}", JOSE_INVALID},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','cty':null}", JOSE_INVALID},
        {"{'alg':'RSA-OAEP','enc':'A192GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'RSA-OAEP','enc':'A128CBC'}", JOSE_UNSUPPORTED},
        {"{'alg':'RSA1_5','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'rsa-oaep','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'RS256','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'none','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'dir','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'A128KW','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'A128GCMKW','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'PBES2-HS256+A128KW','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'ECDH-ES+A192KW','enc':'A128GCM'}", JOSE_UNSUPPORTED},
        {"{'alg':'ECDH-ES','enc':'A128GCM'}", JOSE_MISMATCH},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','zip':'DEF'}", JOSE_UNSUPPORTED},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','crit':['exp']}", JOSE_UNSUPPORTED},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','jwk':{}}", JOSE_UNSUPPORTED},
        {"{'alg':'RSA-OAEP','enc':'A128GCM','kid':'another'}", JOSE_REFUSED},
    };
    char *token = seal("RSA-OAEP", "A128GCM", "RSA", NULL, "p", 1);
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *changed = with_header(token, rows[i].header);
        assert_open(key_of("RSA"), changed, rows[i].wanted);
        free(changed);
    }
    free(token);
    /* The same name twice: which of the two counts? */
    assert_open(key_of("RSA"), "eyJhbGciOiJSU0EtT0FFUCIsImFsZyI6IlJTQS1PQUVQIn0....", JOSE_INVALID);
}

static void ephemeral_keys_are_checked(void **state)
{
    static const char *const p256[] = {
        "{}",
        "[]",
        "{'kty':'EC','crv':'P-256','x':'AAAA','y':'AAAA'}",
        /* off the curve: x and y exchanged */
        "{'kty':'EC','crv':'P-256','x':'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck',"
        "'y':'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ'}",
        /* another curve */
        "{'kty':'OKP','crv':'X25519','x':'hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo'}",
        /* a private key */
        "{'kty':'EC','crv':'P-256','x':'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ',"
        "'y':'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck','d':'AQ'}",
    };
    static const char *const x25519[] = {
        "{'kty':'OKP','crv':'X25519','x':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
        "{'kty':'OKP','crv':'X25519','x':'4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA'}",
    };
    char header[1024];
    (void)state;
    for (size_t i = 0; i < COUNT(p256) + COUNT(x25519); i++) {
        bool ec = i < COUNT(p256);
        char *token = seal("ECDH-ES", "A128GCM", ec ? "P-256" : "X25519", NULL, "p", 1);
        snprintf(header, sizeof header, "{'alg':'ECDH-ES','enc':'A128GCM','epk':%s}",
                 ec ? p256[i] : x25519[i - COUNT(p256)]);
        char *changed = with_header(token, header);
        assert_open(key_of(ec ? "P-256" : "X25519"), changed, JOSE_INVALID);
        free(changed);
        changed = with_header(token, "{'alg':'ECDH-ES','enc':'A128GCM'}");
        assert_open(key_of(ec ? "P-256" : "X25519"), changed, JOSE_INVALID);
        free(changed);
        free(token);
    }
}

static void an_all_zero_secret_is_refused(void **state)
{
    unsigned char zero[32] = {0}, secret[ECDH_SECRET_MAX];
    size_t length;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(jose_given->lib, "X25519", NULL, zero, 32);
    (void)state;
    assert_int_equal(ecdh_agree(jose_given, key_of("X25519"), peer, secret, &length), JOSE_REFUSED);
    EVP_PKEY_free(peer);
}

/* A recipient that must not be. */
static void assert_no_recipient(const char *alg, EVP_PKEY *key, const char *kid, int wanted)
{
    struct jwe_recipient *recipient = NULL;
    assert_int_equal(
        jwe_recipient_new(jose_given, alg_find(alg), enc_find("A128GCM"), key, kid, &recipient),
        wanted);
    assert_null(recipient);
}

static void recipients_that_do_not_fit(void **state)
{
    EVP_PKEY *short_rsa = EVP_PKEY_Q_keygen(jose_given->lib, NULL, "RSA", (size_t)1024);
    EVP_PKEY *ed25519 = jose_keys_generate(jose_given, "Ed25519");
    EVP_PKEY *other_curve = EVP_PKEY_Q_keygen(jose_given->lib, NULL, "EC", "secp256k1");
    char kid[JWK_KID_MAX + 2];
    (void)state;
    assert_no_recipient("RSA-OAEP", short_rsa, NULL, JOSE_MISMATCH);
    assert_no_recipient("ECDH-ES", ed25519, NULL, JOSE_MISMATCH);
    assert_no_recipient("ECDH-ES", other_curve, NULL, JOSE_MISMATCH);
    assert_no_recipient("ECDH-ES", key_of("RSA"), NULL, JOSE_MISMATCH);
    assert_no_recipient("RSA-OAEP", key_of("P-256"), NULL, JOSE_MISMATCH);
    assert_no_recipient("RS256", key_of("RSA"), NULL, JOSE_MISMATCH);
    assert_no_recipient("HS256", key_of("RSA"), NULL, JOSE_MISMATCH);
    assert_no_recipient("RSA-OAEP", key_of("RSA"), "\xff", JOSE_INVALID);
    memset(kid, 'k', sizeof kid);
    kid[JWK_KID_MAX + 1] = '\0';
    assert_no_recipient("RSA-OAEP", key_of("RSA"), kid, JOSE_INVALID);
    EVP_PKEY_free(other_curve);
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(short_rsa);
    jwe_recipient_free(NULL);
}

static void kids_of_every_kind(void **state)
{
    char longest[JWK_KID_MAX + 1], text[4096];
    const char *kids[] = {"", "a\"\\/b", "\xc3\xa4\xe2\x82\xac", "\x01\x1f\x7f", longest};
    (void)state;
    memset(longest, 1, JWK_KID_MAX);
    longest[JWK_KID_MAX] = '\0';
    for (size_t i = 0; i < COUNT(kids); i++)
        for (size_t t = 0; t < COUNT(types); t++) {
            char *token =
                seal(t == 0 ? "RSA-OAEP" : "ECDH-ES", "A128GCM", types[t], kids[i], "p", 1);
            json_t *header = header_of(token, text, sizeof text);
            assert_string_equal(jose_text(header, "kid"), kids[i]);
            assert_open(keys[t], token, 0);
            json_decref(header);
            free(token);
        }
    char *token = seal("RSA-OAEP", "A128GCM", "RSA", NULL, "p", 1);
    json_decref(header_of(token, text, sizeof text));
    assert_string_equal(text, "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\",\"cty\":\"JWT\"}");
    free(token);
}

/* Nothing of one token is in the next. */
static void every_token_has_its_own_key(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(types); t++) {
        const char *alg = t == 0 ? "RSA-OAEP-256" : "ECDH-ES+A256KW";
        char *token = seal(alg, "A128GCM", types[t], "k", "the same", 8);
        char *other = seal(alg, "A128GCM", types[t], "k", "the same", 8), *rest, *other_rest;
        char *part = strtok_r(token, ".", &rest), *other_part = strtok_r(other, ".", &other_rest);
        for (size_t i = 0; part; i++) {
            assert_true((strcmp(part, other_part) == 0) == (t == 0 && i == 0));
            part = strtok_r(NULL, ".", &rest);
            other_part = strtok_r(NULL, ".", &other_rest);
        }
        free(other);
        free(token);
    }
}

static void *seal_many(void *data)
{
    const struct jwe_recipient *recipient = data;
    char *token, *plaintext;
    size_t length;
    for (int i = 0; i < 50; i++) {
        if (jwe_seal(recipient, "p", 1, &token, &length) < 0)
            return "does not seal";
        int r = open_token(key_of("P-256"), token, &plaintext);
        if (r < 0)
            r = open_token(key_of("RSA"), token, &plaintext);
        free(token);
        if (r < 0)
            return "does not open";
        free(plaintext);
    }
    return NULL;
}

static void threads_share_a_recipient(void **state)
{
    static const char *const rows[][2] = {{"RSA-OAEP", "RSA"}, {"ECDH-ES+A128KW", "P-256"}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct jwe_recipient *recipient;
        pthread_t threads[4];
        assert_int_equal(jwe_recipient_new(jose_given, alg_find(rows[i][0]), enc_find("A256GCM"),
                                           key_of(rows[i][1]), "k", &recipient),
                         0);
        for (size_t t = 0; t < COUNT(threads); t++)
            assert_int_equal(pthread_create(&threads[t], NULL, seal_many, recipient), 0);
        for (size_t t = 0; t < COUNT(threads); t++) {
            void *error;
            assert_int_equal(pthread_join(threads[t], &error), 0);
            assert_null(error);
        }
        jwe_recipient_free(recipient);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(every_length),
        cmocka_unit_test(as_long_as_allowed),
        cmocka_unit_test(no_character_may_change),
        cmocka_unit_test(parts_may_not_be_cut),
        cmocka_unit_test(another_key_does_not_open_it),
        cmocka_unit_test(failures_look_alike),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(ephemeral_keys_are_checked),
        cmocka_unit_test(an_all_zero_secret_is_refused),
        cmocka_unit_test(recipients_that_do_not_fit),
        cmocka_unit_test(kids_of_every_kind),
        cmocka_unit_test(every_token_has_its_own_key),
        cmocka_unit_test(threads_share_a_recipient),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
