/* Tests of signatures: what was signed with each algorithm is taken, and nothing else is. */
#include "config.h"
#include "agent/jose/jws.h"
#include "agent/jose/base64url.h"
#include "agent/jose/keytype.h"
#include "tests/unit/jose_given.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array)  (sizeof(array) / sizeof(array)[0])
#define SIGNATURE_MAX 1024

static const char data[] = "header.payload";
#define DATA_LENGTH strlen(data)

static const struct {
    const char *alg;
    const char *type;
    size_t length; /* of the signature */
} rows[] = {
    {"RS256", "RSA", 256},    {"RS384", "RSA", 256},  {"RS512", "RSA", 256},
    {"PS256", "RSA", 256},    {"PS384", "RSA", 256},  {"PS512", "RSA", 256},
    {"ES256", "P-256", 64},   {"ES384", "P-384", 96}, {"ES512", "P-521", 132},
    {"EdDSA", "Ed25519", 64},
};
static EVP_PKEY *keys[COUNT(rows)]; /* one for each row */

static int setup(void **state)
{
    if (jose_given_setup(state) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(rows); i++)
        keys[i] = jose_keys_generate(jose_given, rows[i].type);
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        EVP_PKEY_free(keys[i]);
    return jose_given_teardown(state);
}

/* r||s of a signature in DER. */
static size_t from_der(const unsigned char *der, size_t length, size_t half, unsigned char *raw)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half), half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half), half);
    ECDSA_SIG_free(pair);
    return 2 * half;
}

/* As OpenSSL has it, with a salt of that length for PSS (RSA_PSS_SALTLEN_DIGEST: as it should
 * be). */
static size_t sign_with_salt(const struct alg *alg, EVP_PKEY *key, int salt,
                             unsigned char signature[static SIGNATURE_MAX])
{
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t length = SIGNATURE_MAX;
    const char *digest = alg->family == ALG_EDDSA ? NULL : jose_digest_name(alg->digest);
    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx, digest, jose_given->lib, NULL, key, NULL),
                     1);
    if (alg->family == ALG_RSA_PSS) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt), 1);
    }
    assert_int_equal(
        EVP_DigestSign(ctx, signature, &length, (const unsigned char *)data, DATA_LENGTH), 1);
    EVP_MD_CTX_free(ctx);
    return length;
}

static size_t sign(const char *name, EVP_PKEY *key, unsigned char signature[static SIGNATURE_MAX])
{
    const struct alg *alg = alg_find(name);
    unsigned char der[SIGNATURE_MAX];
    if (alg->family != ALG_ECDSA)
        return sign_with_salt(alg, key, RSA_PSS_SALTLEN_DIGEST, signature);
    size_t length = sign_with_salt(alg, key, 0, der);
    return from_der(der, length, keytype_of(key)->size, signature);
}

static int verify(const char *alg, EVP_PKEY *key, const unsigned char *signature, size_t length)
{
    return jws_verify_signature(jose_given, alg_find(alg), key, data, DATA_LENGTH, signature,
                                length);
}

static void every_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t length = sign(rows[i].alg, keys[i], signature);
        assert_int_equal(length, rows[i].length);
        assert_int_equal(verify(rows[i].alg, keys[i], signature, length), 0);
        assert_int_equal(jws_verify_signature(jose_given, alg_find(rows[i].alg), keys[i], data,
                                              DATA_LENGTH - 1, signature, length),
                         JOSE_REFUSED);
    }
}

static void from_the_digest_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct alg *alg = alg_find(rows[i].alg);
        unsigned char signature[SIGNATURE_MAX], digest[EVP_MAX_MD_SIZE];
        unsigned digest_len;
        size_t length = sign(rows[i].alg, keys[i], signature);
        bool none = alg->family == ALG_EDDSA;
        EVP_Digest(data, DATA_LENGTH, digest, &digest_len, jose_given->digests[alg->digest], NULL);
        assert_int_equal(
            jws_verify_digest(jose_given, alg, keys[i], digest, digest_len, signature, length),
            none ? JOSE_MISMATCH : 0);
        assert_int_equal(
            jws_verify_digest(jose_given, alg, keys[i], digest, digest_len - 1, signature, length),
            JOSE_MISMATCH);
        digest[0] ^= 1;
        assert_int_equal(
            jws_verify_digest(jose_given, alg, keys[i], digest, digest_len, signature, length),
            none ? JOSE_MISMATCH : JOSE_REFUSED);
    }
}

static void no_bit_may_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t length = sign(rows[i].alg, keys[i], signature);
        for (size_t bit = 0; bit < length * 8; bit += 5) {
            signature[bit / 8] ^= (unsigned char)(1U << bit % 8);
            assert_int_equal(verify(rows[i].alg, keys[i], signature, length), JOSE_REFUSED);
            signature[bit / 8] ^= (unsigned char)(1U << bit % 8);
        }
        for (size_t n = 0; n < length; n += 7)
            assert_int_equal(verify(rows[i].alg, keys[i], signature, n), JOSE_REFUSED);
        signature[length] = 0;
        assert_int_equal(verify(rows[i].alg, keys[i], signature, length + 1), JOSE_REFUSED);
    }
}

static void another_algorithm_or_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t length = sign(rows[i].alg, keys[i], signature);
        for (size_t j = 0; j < COUNT(rows); j++) {
            bool same_type = strcmp(rows[i].type, rows[j].type) == 0;
            if (i == j)
                continue;
            assert_int_equal(verify(rows[j].alg, keys[i], signature, length),
                             same_type ? JOSE_REFUSED : JOSE_MISMATCH);
            assert_int_equal(verify(rows[i].alg, keys[j], signature, length),
                             same_type ? JOSE_REFUSED : JOSE_MISMATCH);
        }
        assert_int_equal(verify("HS256", keys[i], signature, length), JOSE_MISMATCH);
        assert_int_equal(verify("RSA-OAEP", keys[i], signature, length), JOSE_MISMATCH);
    }
    EVP_PKEY *short_rsa = EVP_PKEY_Q_keygen(jose_given->lib, NULL, "RSA", (size_t)1024);
    unsigned char signature[SIGNATURE_MAX];
    size_t length = sign("RS256", short_rsa, signature);
    assert_int_equal(verify("RS256", short_rsa, signature, length), JOSE_MISMATCH);
    EVP_PKEY_free(short_rsa);
}

static void salts_of_another_length(void **state)
{
    static const int salts[] = {0, 20, 31, 33, RSA_PSS_SALTLEN_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT(salts); i++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t length = sign_with_salt(alg_find("PS256"), keys[0], salts[i], signature);
        assert_int_equal(verify("PS256", keys[0], signature, length), JOSE_REFUSED);
    }
}

static void ecdsa_in_der(void **state)
{
    unsigned char der[SIGNATURE_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct alg *alg = alg_find(rows[i].alg);
        if (alg->family != ALG_ECDSA)
            continue;
        size_t length = sign_with_salt(alg, keys[i], 0, der);
        assert_int_equal(verify(rows[i].alg, keys[i], der, length), JOSE_REFUSED);
    }
}

/* Signs until both r and s have begun with a zero byte: one signature of 256, of P-521 every
 * second. */
static void assert_zeros_survive(size_t row)
{
    bool r = false, s = false;
    for (int i = 0; i < 20000 && !(r && s); i++) {
        unsigned char signature[SIGNATURE_MAX];
        size_t length = sign(rows[row].alg, keys[row], signature);
        assert_int_equal(length, rows[row].length);
        bool r_now = signature[0] == 0, s_now = signature[length / 2] == 0;
        if ((r_now && !r) || (s_now && !s))
            assert_int_equal(verify(rows[row].alg, keys[row], signature, length), 0);
        r |= r_now;
        s |= s_now;
    }
    assert_true(r && s);
}

static void leading_zeros(void **state)
{
    (void)state;
    assert_string_equal(rows[6].alg, "ES256");
    assert_zeros_survive(6);
    assert_string_equal(rows[8].alg, "ES512");
    assert_zeros_survive(8);
}

static void keys_of_another_context(void **state)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    unsigned char signature[SIGNATURE_MAX];
    (void)state;
    size_t length = sign("ES256", key, signature);
    assert_int_equal(verify("ES256", key, signature, length), 0);
    EVP_PKEY_free(key);
}

/* A token with that header, signed with the first ECDSA key. ' stands for ". */
static char *token_with(const char *header, const char *payload)
{
    unsigned char der[SIGNATURE_MAX], raw[SIGNATURE_MAX];
    char first[512] = "", second[512] = "", third[256] = "", *signed_text, *token;
    json_t *json = jose_json(header);
    char *text = json_dumps(json, JSON_COMPACT);
    base64url_encode(text, strlen(text), first);
    base64url_encode(payload, strlen(payload), second);
    assert_true(asprintf(&signed_text, "%s.%s", first, second) > 0);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t length = sizeof der;
    EVP_DigestSignInit_ex(ctx, NULL, "SHA256", jose_given->lib, NULL, keys[6], NULL);
    assert_int_equal(
        EVP_DigestSign(ctx, der, &length, (unsigned char *)signed_text, strlen(signed_text)), 1);
    EVP_MD_CTX_free(ctx);
    base64url_encode(raw, from_der(der, length, 32, raw), third);
    assert_true(asprintf(&token, "%s.%s", signed_text, third) > 0);
    free(signed_text);
    free(text);
    json_decref(json);
    return token;
}

static int verify_token(const char *alg, EVP_PKEY *key, const char *token)
{
    struct jws_key with = {.alg = alg_find(alg), .key = key};
    char *payload = NULL;
    size_t length;
    int r = jws_verify(jose_given, &with, token, strlen(token), &payload, &length);
    if (r == 0) {
        assert_string_equal(payload, "p");
        assert_int_equal(length, 1);
    }
    free(payload);
    return r;
}

static void headers_of_tokens(void **state)
{
    static const struct {
        const char *header;
        int wanted;
    } headers[] = {
        {"{'alg':'ES256'}", 0},
        {"{'alg':'ES256','typ':'JWT','kid':'k','cty':'JWT'}", 0},
        {"{'alg':'ES384'}", JOSE_MISMATCH},
        {"{'alg':'none'}", JOSE_MISMATCH},
        {"{'alg':'HS256'}", JOSE_MISMATCH},
        {"{'alg':1}", JOSE_INVALID},
        {"{'typ':'JWT'}", JOSE_INVALID},
        {"[]", JOSE_INVALID},
        {"{'alg':'ES256','crit':['b64'],'b64':true}", JOSE_UNSUPPORTED},
        {"{'alg':'ES256','jwk':{}}", JOSE_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        char *token = token_with(headers[i].header, "p");
        int r = verify_token("ES256", keys[6], token);
        if (r != headers[i].wanted)
            fail_msg("%d instead of %d: %s", r, headers[i].wanted, headers[i].header);
        free(token);
    }
}

static void no_character_of_a_token_may_change(void **state)
{
    char *token = token_with("{'alg':'ES256','typ':'JWT'}", "p");
    (void)state;
    for (char *c = token; *c; c++) {
        char old = *c;
        *c = old == '.' ? 'A' : old == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify_token("ES256", keys[6], token), 0);
        *c = old;
    }
    assert_int_equal(verify_token("ES256", keys[6], token), 0);
    *strrchr(token, '.') = '\0';
    assert_int_equal(verify_token("ES256", keys[6], token), JOSE_INVALID);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm),
        cmocka_unit_test(from_the_digest_alone),
        cmocka_unit_test(no_bit_may_change),
        cmocka_unit_test(another_algorithm_or_key),
        cmocka_unit_test(salts_of_another_length),
        cmocka_unit_test(ecdsa_in_der),
        cmocka_unit_test(leading_zeros),
        cmocka_unit_test(keys_of_another_context),
        cmocka_unit_test(headers_of_tokens),
        cmocka_unit_test(no_character_of_a_token_may_change),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
