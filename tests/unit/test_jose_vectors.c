/* Tests with what the RFCs published: keys, signatures, agreements and encrypted tokens. */
#include "config.h"
#include "agent/jose/base64url.h"
#include "agent/jose/ecdh.h"
#include "agent/jose/jwe.h"
#include "agent/jose/jwk.h"
#include "agent/jose/jws.h"
#include "agent/jose/wrap.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A vector's value in base64url. */
static size_t bytes_of(const json_t *object, const char *name, unsigned char *ret_data)
{
    const char *text = jose_text(object, name);
    assert_int_equal(base64url_decode(text, strlen(text), ret_data), 0);
    return BASE64URL_BYTES(strlen(text));
}

/* The key that a vector is verified with; its secret goes into `secret`. */
static struct jws_key verifier_of(const json_t *row, unsigned char *secret)
{
    const json_t *jwk = jose_vector_jwk(jose_text(row, "key"));
    struct jws_key key = {.alg = alg_find(jose_text(row, "alg"))};
    assert_non_null(key.alg);
    if (key.alg->family == ALG_HMAC) {
        key.secret = secret;
        key.secret_len = bytes_of(jwk, "k", secret);
        return key;
    }
    struct jwk parsed = {0};
    const char *error;
    json_t *public = jose_keys_public(jwk);
    assert_int_equal(jwk_parse(jose_given, public, &parsed, &error), 0);
    EVP_PKEY_up_ref(parsed.key);
    key.key = parsed.key;
    jwk_clear(&parsed);
    json_decref(public);
    return key;
}

static void signed_tokens(void **state)
{
    size_t i, length;
    const json_t *row;
    (void)state;
    json_array_foreach(json_object_get(jose_vectors, "jws"), i, row)
    {
        unsigned char secret[256];
        struct jws_key key = verifier_of(row, secret);
        char *token = strdup(jose_text(row, "token")), *payload;
        if (jws_verify(jose_given, &key, token, strlen(token), &payload, &length) < 0)
            fail_msg("%s does not verify", jose_text(row, "from"));
        assert_string_equal(payload, jose_text(row, "payload"));
        free(payload);
        char *dot = strchr(token, '.');
        dot[1] = dot[1] == 'A' ? 'B' : 'A';
        assert_int_equal(jws_verify(jose_given, &key, token, strlen(token), &payload, &length),
                         JOSE_REFUSED);
        free(token);
        EVP_PKEY_free(key.key);
    }
    assert_int_equal(i, 17);
}

/* RFC 7520 sections 4.7 and 4.8.3 protect the content only: there is no header to sign. */
static void signatures_without_a_header(void **state)
{
    size_t i;
    const json_t *row;
    (void)state;
    json_array_foreach(json_object_get(jose_vectors, "signatures"), i, row)
    {
        unsigned char secret[256], signature[256];
        struct jws_key key = verifier_of(row, secret);
        const char *text = jose_text(row, "signed");
        size_t length = bytes_of(row, "signature", signature);
        int r = key.secret ? jws_verify_mac(jose_given, key.alg, key.secret, key.secret_len, text,
                                            strlen(text), signature, length)
                           : jws_verify_signature(jose_given, key.alg, key.key, text, strlen(text),
                                                  signature, length);
        assert_int_equal(r, 0);
        EVP_PKEY_free(key.key);
    }
    assert_int_equal(i, 2);
}

/* RFC 7515 appendix A.5 has the algorithm "none", which no key can be given for. */
static void an_unsigned_token(void **state)
{
    const char *token = jose_text(jose_vectors, "unsigned");
    (void)state;
    for (const char *const *name = (const char *const[]){"HS256", "RS256", "ES256", NULL}; *name;
         name++) {
        struct jws_key key = {.alg = alg_find(*name), .secret = (const unsigned char *)""};
        char *payload;
        size_t length;
        assert_int_equal(jws_verify(jose_given, &key, token, strlen(token), &payload, &length),
                         JOSE_MISMATCH);
    }
    assert_null(alg_find("none"));
}

static void encrypted_tokens(void **state)
{
    size_t i;
    const json_t *row;
    (void)state;
    json_array_foreach(json_object_get(jose_vectors, "jwe"), i, row)
    {
        EVP_PKEY *key = jose_vector_key(jose_text(row, "key"));
        const char *token = jose_text(row, "token");
        char *plaintext;
        size_t length;
        if (jwe_open(jose_given, key, token, strlen(token), &plaintext, &length) < 0)
            fail_msg("%s does not open", jose_text(row, "from"));
        assert_string_equal(plaintext, jose_text(row, "plaintext"));
        free(plaintext);
        EVP_PKEY_free(key);
    }
    assert_int_equal(i, 4);
}

static void algorithms_that_we_refuse(void **state)
{
    size_t i;
    const json_t *row;
    EVP_PKEY *key = jose_vector_key("RFC 7520 5.2");
    (void)state;
    json_array_foreach(json_object_get(jose_vectors, "refused"), i, row)
    {
        const char *token = jose_text(row, "token");
        char *plaintext;
        size_t length;
        if (jwe_open(jose_given, key, token, strlen(token), &plaintext, &length) !=
            JOSE_UNSUPPORTED)
            fail_msg("%s: %s is not refused", jose_text(row, "from"), jose_text(row, "why"));
    }
    EVP_PKEY_free(key);
    assert_int_equal(i, 6);
}

static void agreement_of_rfc_7518(void **state)
{
    const json_t *row = json_object_get(jose_vectors, "agreement");
    EVP_PKEY *own = jose_vector_key(jose_text(row, "own"));
    EVP_PKEY *peer = jose_vector_key(jose_text(row, "peer"));
    unsigned char apu[16], apv[16], key[16];
    char text[BASE64URL_LENGTH(sizeof key) + 1] = "";
    struct ecdh_info info = {jose_text(row, "enc"), apu, apv, 0, 0};
    (void)state;
    info.apu_len = bytes_of(row, "apu", apu);
    info.apv_len = bytes_of(row, "apv", apv);
    assert_int_equal(ecdh_derive(jose_given, own, peer, &info, sizeof key, key), 0);
    base64url_encode(key, sizeof key, text);
    assert_string_equal(text, jose_text(row, "derived"));
    memset(key, 0, sizeof key);
    assert_int_equal(ecdh_derive(jose_given, peer, own, &info, sizeof key, key), 0);
    base64url_encode(key, sizeof key, text);
    assert_string_equal(text, jose_text(row, "derived"));
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
}

/* RFC 8037 appendix A.6 has the key pairs of RFC 7748 section 6.1. */
static void agreement_of_rfc_8037(void **state)
{
    static const unsigned char shared[] = {
        0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b,
        0xf4, 0x80, 0x35, 0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1,
        0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42,
    };
    json_t *json = jose_json("{'kty':'OKP','crv':'X25519',"
                             "'x':'hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo'}");
    EVP_PKEY *bob = jose_vector_key("RFC 8037 A.6");
    struct jwk alice = {0};
    const char *error;
    unsigned char secret[ECDH_SECRET_MAX];
    size_t length;
    (void)state;
    assert_int_equal(jwk_parse(jose_given, json, &alice, &error), 0);
    assert_int_equal(ecdh_agree(jose_given, bob, alice.key, secret, &length), 0);
    assert_int_equal(length, sizeof shared);
    assert_memory_equal(secret, shared, sizeof shared);
    jwk_clear(&alice);
    EVP_PKEY_free(bob);
    json_decref(json);
}

/* RFC 7520 section 5.13 encrypts to several recipients, in a serialization that we do not have;
 * the one with ECDH-ES+A256KW has everything that its algorithms need. */
static void recipient_of_rfc_7520(void **state)
{
    const json_t *row = json_object_get(jose_vectors, "recipient");
    const struct alg *alg = alg_find(jose_text(row, "alg"));
    const struct enc *enc = enc_find(jose_text(row, "enc"));
    EVP_PKEY *key = jose_vector_key(jose_text(row, "key"));
    struct ecdh_info info = {.algorithm = alg->name};
    struct jwk epk = {0};
    const char *error;
    unsigned char kek[ECDH_KEY_MAX], cek[ENC_KEY_MAX], wrapped[WRAP_LENGTH_MAX], iv[ENC_IV_MAX];
    unsigned char tag[ENC_TAG_MAX], ciphertext[512], plaintext[512];
    size_t wrapped_len = bytes_of(row, "encrypted_key", wrapped), length;
    (void)state;
    assert_int_equal(jwk_parse(jose_given, json_object_get(row, "epk"), &epk, &error), 0);
    assert_int_equal(ecdh_derive(jose_given, key, epk.key, &info, alg->wrap_len, kek), 0);
    assert_int_equal(wrap_aes_open(jose_given, alg, kek, wrapped, wrapped_len, enc->key_len, cek),
                     0);
    bytes_of(row, "iv", iv);
    bytes_of(row, "tag", tag);
    const char *protected = jose_text(row, "protected");
    struct enc_input input = {cek, iv, protected, strlen(protected), ciphertext, 0};
    input.length = bytes_of(row, "ciphertext", ciphertext);
    assert_int_equal(enc_decrypt(jose_given, enc, &input, tag, plaintext, &length), 0);
    assert_int_equal(length, strlen(jose_text(row, "plaintext")));
    assert_memory_equal(plaintext, jose_text(row, "plaintext"), length);
    jwk_clear(&epk);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_tokens),
        cmocka_unit_test(signatures_without_a_header),
        cmocka_unit_test(an_unsigned_token),
        cmocka_unit_test(encrypted_tokens),
        cmocka_unit_test(algorithms_that_we_refuse),
        cmocka_unit_test(agreement_of_rfc_7518),
        cmocka_unit_test(agreement_of_rfc_8037),
        cmocka_unit_test(recipient_of_rfc_7520),
    };
    return cmocka_run_group_tests(tests, jose_given_setup, jose_given_teardown);
}
