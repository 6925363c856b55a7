/* Tests of single keys: read strictly, written exactly. */
#include "config.h"
#include "agent/jose/jwk.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jwk_write.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define P256_X "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"
#define P256_Y "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"
#define P256   "'kty':'EC','crv':'P-256','x':'" P256_X "','y':'" P256_Y "'"
#define ED     "'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'"

/* Parses JSON in which ' stands for ", with `more` members. */
static int parse(const char *text, struct jwk *ret_jwk)
{
    const char *error = NULL;
    json_t *json = jose_json(text);
    int r = jwk_parse(jose_given, json, ret_jwk, &error);
    json_decref(json);
    assert_true(r == 0 || (error && *error));
    return r;
}

static void assert_parse(const char *text, int wanted)
{
    struct jwk jwk = {0};
    int r = parse(text, &jwk);
    jwk_clear(&jwk);
    if (r != wanted)
        fail_msg("%d instead of %d: %s", r, wanted, text);
}

/* Writes the key, reads it again and compares: nothing is lost or changed. */
static void assert_round_trip(const EVP_PKEY *key)
{
    char *text;
    size_t length;
    const char *error = NULL;
    struct jwk jwk = {0};
    assert_int_equal(jwk_write(key, "k", "sig", NULL, &text, &length), 0);
    assert_int_equal(length, strlen(text));
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (jwk_parse(jose_given, json, &jwk, &error) < 0)
        fail_msg("%s: %s", error, text);
    assert_int_equal(EVP_PKEY_eq(key, jwk.key), 1);
    json_decref(json);
    jwk_clear(&jwk);
    free(text);
}

static void keys_of_the_rfcs(void **state)
{
    const char *name, *error;
    json_t *private;
    (void)state;
    json_object_foreach(json_object_get(jose_vectors, "keys"), name, private)
    {
        if (json_object_get(private, "k"))
            continue;
        struct jwk jwk = {0};
        json_t *public = jose_keys_public(private);
        if (jwk_parse(jose_given, public, &jwk, &error) < 0)
            fail_msg("%s: %s", name, error);
        assert_string_equal(jwk.type->kty, jose_text(private, "kty"));
        assert_ptr_equal(keytype_of(jwk.key), jwk.type);
        assert_int_equal(jwk.use, JWK_USE_NONE);
        assert_int_equal(jwk.ops, JWK_OPS_ALL);
        assert_null(jwk.kid);
        assert_null(jwk.alg);
        assert_round_trip(jwk.key);
        jwk_clear(&jwk);
        json_decref(public);
    }
}

static void private_keys_are_refused(void **state)
{
    const char *name, *error;
    json_t *private;
    size_t refused = 0;
    (void)state;
    json_object_foreach(json_object_get(jose_vectors, "keys"), name, private)
    {
        struct jwk jwk = {0};
        if (!json_object_get(private, "d") && !json_object_get(private, "k"))
            continue;
        assert_int_equal(jwk_parse(jose_given, private, &jwk, &error), JOSE_PRIVATE);
        refused++;
    }
    assert_in_range(refused, 8, 100);
    assert_parse("{" P256 ",'d':null}", JOSE_PRIVATE);
    assert_parse("{" ED ",'k':1}", JOSE_PRIVATE);
    assert_parse("{'kty':'RSA','qi':''}", JOSE_PRIVATE);
    assert_parse("{'kty':'AKP','priv':'AA'}", JOSE_PRIVATE);
}

static void what_a_key_says_of_itself(void **state)
{
    struct jwk jwk = {0};
    (void)state;
    assert_int_equal(parse("{" P256 ",'kid':'\xc3\xa4','use':'enc','alg':'ECDH-ES',"
                           "'key_ops':['deriveKey','somethingNew'],'x5c':[1],'more':{}}",
                           &jwk),
                     0);
    assert_string_equal(jwk.kid, "\xc3\xa4");
    assert_string_equal(jwk.alg, "ECDH-ES");
    assert_int_equal(jwk.use, JWK_USE_ENC);
    assert_int_equal(jwk.ops, JWK_OP_DERIVE_KEY);
    assert_int_equal(jwk.type->id, KEYTYPE_P256);
    jwk_clear(&jwk);
    assert_null(jwk.key);

    assert_int_equal(parse("{" ED ",'use':'sig','key_ops':[]}", &jwk), 0);
    assert_int_equal(jwk.use, JWK_USE_SIG);
    assert_int_equal(jwk.ops, 0);
    jwk_clear(&jwk);

    assert_int_equal(parse("{" ED ",'use':'Enc'}", &jwk), 0);
    assert_int_equal(jwk.use, JWK_USE_OTHER);
    jwk_clear(&jwk);
}

static void wrong_types(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{'kty':1}",
        "{'kty':'EC','crv':[]}",
        "{" P256 ",'kid':7}",
        "{" P256 ",'alg':null}",
        "{" P256 ",'use':['enc']}",
        "{" P256 ",'key_ops':'deriveKey'}",
        "{" P256 ",'key_ops':[1]}",
        "{" P256 ",'key_ops':['deriveKey','deriveKey']}",
        "{'kty':'EC','crv':'P-256','x':'" P256_X "'}",
        "{'kty':'EC','crv':'P-256','x':'" P256_X "','y':null}",
        "{'kty':'OKP','crv':'X25519'}",
        "{'kty':'RSA','e':'AQAB'}",
        "{'kty':'RSA','n':'AQAB'}",
        "{'kty':'RSA','n':'','e':'AQAB'}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_parse(texts[i], JOSE_INVALID);
}

static void long_descriptions(void **state)
{
    char kid[JWK_KID_MAX + 2], text[JWK_KID_MAX + 256];
    (void)state;
    memset(kid, 'k', sizeof kid);
    kid[JWK_KID_MAX + 1] = '\0';
    snprintf(text, sizeof text, "{" ED ",'kid':'%s'}", kid);
    assert_parse(text, JOSE_INVALID);
    snprintf(text, sizeof text, "{" ED ",'kid':'%s'}", kid + 1);
    assert_parse(text, 0);
}

static void unknown_types_can_be_skipped(void **state)
{
    static const char *const texts[] = {
        "{'kty':'AKP','pub':'AA'}",
        "{'kty':'ec','crv':'P-256','x':'" P256_X "','y':'" P256_Y "'}",
        "{'kty':'EC','x':'" P256_X "','y':'" P256_Y "'}",
        "{'kty':'EC','crv':'secp256k1','x':'" P256_X "','y':'" P256_Y "'}",
        "{'kty':'EC','crv':'X25519','x':'" P256_X "'}",
        "{'kty':'OKP','crv':'Ed448','x':'AA'}",
        "{'kty':'OKP','crv':'P-256','x':'AA'}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_parse(texts[i], JOSE_UNSUPPORTED);
}

static void unsound_points(void **state)
{
    static const char *const texts[] = {
        /* x and y exchanged: off the curve */
        "{'kty':'EC','crv':'P-256','x':'" P256_Y "','y':'" P256_X "'}",
        /* (0, 0), and the prime itself as x */
        "{'kty':'EC','crv':'P-256','x':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',"
        "'y':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
        "{'kty':'EC','crv':'P-256','x':'_____wAAAAEAAAAAAAAAAAAAAAD_______________8','y':'" P256_Y
        "'}",
        /* a byte too many, one too few, the point of another curve */
        "{'kty':'EC','crv':'P-256','x':'AMHjSctx7HAkjOgBA0w4NOG4jr4RYcslrzh0H3hfz8TE','y':'" P256_Y
        "'}",
        "{'kty':'EC','crv':'P-256','x':'40nLYexwJIzoAQNMODThuI6-EWHLJa84dB94X8_ExA','y':'" P256_Y
        "'}",
        "{'kty':'EC','crv':'P-384','x':'" P256_X "','y':'" P256_Y "'}",
        /* padded, with white space, in the other alphabet, not canonical */
        "{'kty':'EC','crv':'P-256','x':'" P256_X "=','y':'" P256_Y "'}",
        "{'kty':'EC','crv':'P-256','x':'" P256_X "\\n','y':'" P256_Y "'}",
        "{'kty':'EC','crv':'P-256','x':'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF/PxMQ','y':'" P256_Y
        "'}",
        "{'kty':'EC','crv':'P-256','x':'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMR','y':'" P256_Y
        "'}",
        /* X25519: the points of small order (RFC 7748 section 6.1) */
        "{'kty':'OKP','crv':'X25519','x':'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
        "{'kty':'OKP','crv':'X25519','x':'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'}",
        "{'kty':'OKP','crv':'X25519','x':'4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA'}",
        "{'kty':'OKP','crv':'X25519','x':'X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc'}",
        "{'kty':'OKP','crv':'X25519','x':'7P_______________________________________38'}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_parse(texts[i], JOSE_INVALID);
}

/* An RSA key with a modulus of so many bytes, of which these are the first and the last. */
static void assert_rsa(size_t bytes, unsigned char first, unsigned char last, int wanted)
{
    unsigned char n[1100];
    char text[2000], encoded[1500] = "";
    for (size_t i = 0; i < bytes; i++)
        n[i] = (unsigned char)(i * 37 + 11);
    n[0] = first;
    n[bytes - 1] = last;
    base64url_encode(n, bytes, encoded);
    snprintf(text, sizeof text, "{'kty':'RSA','n':'%s','e':'AQAB'}", encoded);
    assert_parse(text, wanted);
}

static void sizes_of_rsa(void **state)
{
    (void)state;
    assert_rsa(128, 0x80, 1, JOSE_UNSUPPORTED);
    assert_rsa(256, 0x7f, 1, JOSE_UNSUPPORTED);
    assert_rsa(256, 0x80, 1, 0);
    assert_rsa(256, 0x80, 2, JOSE_INVALID); /* even */
    assert_rsa(1024, 0xff, 1, 0);
    assert_rsa(1025, 0x01, 1, JOSE_INVALID);
    assert_rsa(257, 0x00, 1, JOSE_INVALID); /* not the shortest form */
}

static void exponents_of_rsa(void **state)
{
    const char *n = jose_text(jose_vector_jwk("RFC 7638 3.1"), "n");
    static const struct {
        const char *e;
        int wanted;
    } rows[] = {
        {"AQAB", 0},
        {"Aw", 0},
        {"_____w", 0},
        {"AQ", JOSE_INVALID},      /* 1 */
        {"AA", JOSE_INVALID},      /* 0 */
        {"BA", JOSE_INVALID},      /* even */
        {"AAEAAQ", JOSE_INVALID},  /* a leading zero */
        {"AQAAAAE", JOSE_INVALID}, /* beyond 32 bits */
        {"", JOSE_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1000];
        snprintf(text, sizeof text, "{'kty':'RSA','n':'%s','e':'%s'}", n, rows[i].e);
        assert_parse(text, rows[i].wanted);
    }
}

static void order_and_text(void **state)
{
    EVP_PKEY *key = jose_vector_key("RFC 7518 C, Bob");
    char *text;
    size_t length;
    (void)state;
    assert_int_equal(jwk_write(key, NULL, NULL, NULL, &text, &length), 0);
    assert_string_equal(text, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X
                              "\",\"y\":\"" P256_Y "\"}");
    free(text);
    assert_int_equal(jwk_write(key, "a\"/\xc3\xa4", "enc", "ECDH-ES", &text, &length), 0);
    assert_string_equal(text,
                        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y
                        "\",\"kid\":\"a\\\"/\xc3\xa4\",\"use\":\"enc\",\"alg\":\"ECDH-ES\"}");
    free(text);
    assert_int_equal(jwk_write(key, "\xff", NULL, NULL, &text, &length), JOSE_INVALID);
    EVP_PKEY_free(key);

    key = jose_vector_key("RFC 8037 A.1");
    assert_int_equal(jwk_write(key, "7", "sig", "EdDSA", &text, &length), 0);
    assert_string_equal(text, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                              "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
                              "\"kid\":\"7\",\"use\":\"sig\",\"alg\":\"EdDSA\"}");
    free(text);
    EVP_PKEY_free(key);
}

static void thumbprints_of_the_rfcs(void **state)
{
    size_t i;
    const json_t *row;
    (void)state;
    json_array_foreach(json_object_get(jose_vectors, "thumbprints"), i, row)
    {
        char thumbprint[JWK_THUMBPRINT_LENGTH + 1];
        const char *error = NULL;
        struct jwk jwk = {0};
        json_t *public = jose_keys_public(jose_vector_jwk(jose_text(row, "key")));
        assert_int_equal(jwk_parse(jose_given, public, &jwk, &error), 0);
        assert_int_equal(jwk_write_thumbprint(jose_given, jwk.key, thumbprint), 0);
        assert_string_equal(thumbprint, jose_text(row, "thumbprint"));
        jwk_clear(&jwk);
        json_decref(public);
    }
    assert_int_equal(i, 2);
}

/* Whether a coordinate begins with so many zero bytes. */
static bool has_zeros(const EVP_PKEY *key, const char *member, size_t zeros)
{
    static const unsigned char zero[KEYTYPE_SIZE_MAX];
    unsigned char data[KEYTYPE_SIZE_MAX];
    char *text;
    size_t length;
    assert_int_equal(jwk_write(key, NULL, NULL, NULL, &text, &length), 0);
    json_t *json = json_loads(text, 0, NULL);
    const char *value = jose_text(json, member);
    assert_int_equal(strlen(value), BASE64URL_LENGTH(keytype_of(key)->size));
    assert_int_equal(base64url_decode(value, strlen(value), data), 0);
    json_decref(json);
    free(text);
    return memcmp(data, zero, zeros) == 0;
}

/* Makes keys until both coordinates have had that many. */
static void assert_zeros_survive(const char *type, size_t zeros)
{
    bool x = false, y = false;
    for (int i = 0; i < 20000 && !(x && y); i++) {
        EVP_PKEY *key = jose_keys_generate(jose_given, type);
        bool x_now = has_zeros(key, "x", zeros), y_now = has_zeros(key, "y", zeros);
        if (x_now || y_now)
            assert_round_trip(key);
        x |= x_now;
        y |= y_now;
        EVP_PKEY_free(key);
    }
    assert_true(x && y);
}

/* One key of 256. */
static void leading_zeros_of_p256(void **state)
{
    (void)state;
    assert_zeros_survive("P-256", 1);
}

/* The first byte has but one bit in use: every second key, and one of 512. */
static void leading_zeros_of_p521(void **state)
{
    (void)state;
    assert_zeros_survive("P-521", 1);
    assert_zeros_survive("P-521", 2);
}

static void keys_of_another_context(void **state)
{
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    EVP_PKEY *ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    char thumbprint[JWK_THUMBPRINT_LENGTH + 1];
    (void)state;
    assert_round_trip(rsa);
    assert_round_trip(ec);
    assert_int_equal(jwk_write_thumbprint(jose_given, ec, thumbprint), 0);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void keys_that_are_not_ours(void **state)
{
    EVP_PKEY *keys[] = {
        EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
        EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *text, thumbprint[JWK_THUMBPRINT_LENGTH + 1];
        size_t length;
        assert_null(keytype_of(keys[i]));
        assert_int_equal(jwk_write(keys[i], NULL, NULL, NULL, &text, &length), JOSE_UNSUPPORTED);
        assert_int_equal(jwk_write_thumbprint(jose_given, keys[i], thumbprint), JOSE_UNSUPPORTED);
        EVP_PKEY_free(keys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_rfcs),
        cmocka_unit_test(private_keys_are_refused),
        cmocka_unit_test(what_a_key_says_of_itself),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(long_descriptions),
        cmocka_unit_test(unknown_types_can_be_skipped),
        cmocka_unit_test(unsound_points),
        cmocka_unit_test(sizes_of_rsa),
        cmocka_unit_test(exponents_of_rsa),
        cmocka_unit_test(order_and_text),
        cmocka_unit_test(thumbprints_of_the_rfcs),
        cmocka_unit_test(leading_zeros_of_p256),
        cmocka_unit_test(leading_zeros_of_p521),
        cmocka_unit_test(keys_of_another_context),
        cmocka_unit_test(keys_that_are_not_ours),
    };
    return cmocka_run_group_tests(tests, jose_given_setup, jose_given_teardown);
}
