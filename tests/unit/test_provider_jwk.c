/* Tests of client/provider/jwk.c and algorithm.c: which sets are a key, and what signs with it. */
#include "config.h"
#include "client/provider/jwk.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* RFC 7515 appendix A.3.1, RFC 8037 appendix A.2, and the first 256 bits of RFC 7515's A.2.1. */
#define X        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ED       "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define N        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"
#define EC(x, y) "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" x "\",\"y\":\"" y "\"}]}"
#define OKP(x)   "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" x "\"}]}"
#define RSA(n)   "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" n "\",\"e\":\"AQAB\"}]}"

static void keys(void **state)
{
    static const struct {
        const char *json;
        enum key_type type;
        const char *curve;
        int bits;
    } rows[] = {
        {EC(X, Y), KEY_EC, "prime256v1", 256},
        {OKP(ED), KEY_ED25519, NULL, 256},
        {RSA(N), KEY_RSA, NULL, 384},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum key_type type;
        const char *curve;
        EVP_PKEY *key;
        if (!jwk_read_only(NULL, rows[i].json, &type, &curve, &key))
            fail_msg("refused: %s", rows[i].json);
        assert_int_equal(type, rows[i].type);
        assert_true(EVP_PKEY_is_a(key, algorithm_key_type(type)));
        assert_int_equal(EVP_PKEY_get_bits(key), rows[i].bits);
        if (rows[i].curve)
            assert_string_equal(curve, rows[i].curve);
        else
            assert_null(curve);
        EVP_PKEY_free(key);
    }
}

static void others(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":[1]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X "\",\"y\":\"" Y "\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED "\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "\"},"
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED "\"}]}",
        EC(Y, X), /* not on the curve */
        EC("", Y),
        EC(X "AA", Y),
        EC(X, "AAAA"),
        EC(X, "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a="),
        OKP(""),
        OKP("AAAA"),
        OKP(ED "A"),
        RSA(""),
        RSA("not base64"),
        RSA("+/+/"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        enum key_type type;
        const char *curve;
        EVP_PKEY *key;
        if (jwk_read_only(NULL, texts[i], &type, &curve, &key))
            fail_msg("taken: %s", texts[i]);
    }
}

static void an_endless_number_is_refused(void **state)
{
    static char text[8192];
    enum key_type type;
    const char *curve;
    EVP_PKEY *key;
    (void)state;
    snprintf(text, sizeof text, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%04000d\"}]}",
             0);
    assert_false(jwk_read_only(NULL, text, &type, &curve, &key));
}

static const struct algorithm *find(enum key_type type, const char *curve, bool pss,
                                    const char *digest)
{
    EVP_MD *md = digest ? EVP_MD_fetch(NULL, digest, NULL) : NULL;
    const struct algorithm *algorithm = algorithm_find(type, curve, pss, md);
    EVP_MD_free(md);
    return algorithm;
}

static void algorithms(void **state)
{
    (void)state;
    assert_string_equal(find(KEY_RSA, NULL, false, NULL)->name, "RS256");
    assert_string_equal(find(KEY_RSA, NULL, false, "SHA2-384")->name, "RS384");
    assert_string_equal(find(KEY_RSA, NULL, true, "SHA512")->name, "PS512");
    assert_string_equal(find(KEY_EC, "secp384r1", false, NULL)->name, "ES384");
    assert_string_equal(find(KEY_ED25519, NULL, false, NULL)->name, "EdDSA");
    assert_string_equal(algorithm_find_length(KEY_EC, "secp521r1", 64)->name, "ES512");
    assert_null(find(KEY_RSA, NULL, false, "SHA1"));
    assert_null(find(KEY_RSA, NULL, false, "SHA3-256"));
    assert_null(find(KEY_RSA, NULL, true, "SHA512-256"));
    assert_null(find(KEY_EC, "secp384r1", false, "SHA256"));
    assert_null(find(KEY_EC, NULL, false, NULL));
    assert_null(find(KEY_ED25519, NULL, false, "SHA512"));
    assert_null(algorithm_find_length(KEY_EC, "prime256v1", 48));
}

/* The same hash everywhere, and a salt of its length. */
static void assert_pss(const struct algorithm *row, const X509_ALGOR *algorithm)
{
    int digest = OBJ_txt2nid(row->digest);
    RSA_PSS_PARAMS *pss =
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    assert_non_null(pss);
    X509_ALGOR *mask =
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), pss->maskGenAlgorithm->parameter);
    assert_non_null(mask);
    assert_int_equal(ASN1_INTEGER_get(pss->saltLength), row->digest_length);
    assert_int_equal(OBJ_obj2nid(pss->hashAlgorithm->algorithm), digest);
    assert_int_equal(OBJ_obj2nid(mask->algorithm), digest);
    X509_ALGOR_free(mask);
    RSA_PSS_PARAMS_free(pss);
}

/* Each AlgorithmIdentifier as OpenSSL reads it. */
static void identifiers(void **state)
{
    const struct {
        const struct algorithm *row;
        int nid;
    } rows[] = {
        {find(KEY_RSA, NULL, false, "SHA256"), NID_sha256WithRSAEncryption},
        {find(KEY_RSA, NULL, false, "SHA384"), NID_sha384WithRSAEncryption},
        {find(KEY_RSA, NULL, false, "SHA512"), NID_sha512WithRSAEncryption},
        {find(KEY_RSA, NULL, true, "SHA256"), NID_rsassaPss},
        {find(KEY_RSA, NULL, true, "SHA384"), NID_rsassaPss},
        {find(KEY_RSA, NULL, true, "SHA512"), NID_rsassaPss},
        {find(KEY_EC, "prime256v1", false, NULL), NID_ecdsa_with_SHA256},
        {find(KEY_EC, "secp384r1", false, NULL), NID_ecdsa_with_SHA384},
        {find(KEY_EC, "secp521r1", false, NULL), NID_ecdsa_with_SHA512},
        {find(KEY_ED25519, NULL, false, NULL), NID_ED25519},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct algorithm *row = rows[i].row;
        const unsigned char *id = row->id;
        X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &id, (long)row->id_length);
        assert_non_null(algorithm);
        assert_ptr_equal(id, row->id + row->id_length);
        assert_int_equal(OBJ_obj2nid(algorithm->algorithm), rows[i].nid);
        if (row->pss)
            assert_pss(row, algorithm);
        X509_ALGOR_free(algorithm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(others),
        cmocka_unit_test(an_endless_number_is_refused),
        cmocka_unit_test(algorithms),
        cmocka_unit_test(identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
