/* Tests of pkcs11/key/kek.c: which files are public keys to wrap for, and what fits into them. */
#include "config.h"
#include "pkcs11/key/kek.h"
#include "tests/unit/kek_given.h"
#include "tests/unit/scratch.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FILE_MAX 16384

static EVP_PKEY *pair;

static int setup(void **state)
{
    pair = kek_given_pair();
    return pair ? scratch_open(state) : -1;
}

static int teardown(void **state)
{
    EVP_PKEY_free(pair);
    return scratch_close(state);
}

static void expect(const char *path, const char *hash)
{
    _cleanup_kek_ struct kek kek = {0};
    struct p11_error error;
    if (kek_read_file(path, &kek, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(kek.hash->name, hash);
}

static void refuse(const char *path, const char *words)
{
    _cleanup_kek_ struct kek kek = {0};
    struct p11_error error;
    assert_int_equal(kek_read_file(path, &kek, &error), P11_INVALID);
    if (!strstr(error.text, words))
        fail_msg("'%s' is not in: %s", words, error.text);
}

static void hashes(void **state)
{
    static const struct {
        const char *name, *openssl;
        size_t length;
        CK_MECHANISM_TYPE mechanism;
        CK_RSA_PKCS_MGF_TYPE mgf;
    } rows[] = {{"SHA-256", "SHA2-256", 32, CKM_SHA256, CKG_MGF1_SHA256},
                {"SHA-1", "SHA1", 20, CKM_SHA_1, CKG_MGF1_SHA1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct kek_hash *hash = kek_hash_at(i);
        assert_ptr_equal(kek_hash_find(rows[i].name), hash);
        assert_string_equal(hash->hash, rows[i].openssl);
        assert_int_equal(hash->length, rows[i].length);
        assert_int_equal(hash->params.hashAlg, rows[i].mechanism);
        assert_int_equal(hash->params.mgf, rows[i].mgf);
        assert_int_equal(hash->params.source, CKZ_DATA_SPECIFIED);
        assert_int_equal(hash->params.ulSourceDataLen, 0);
    }
    assert_null(kek_hash_at(2));
    assert_null(kek_hash_find("SHA-512"));
    assert_null(kek_hash_find(""));
}

static void lines_before_the_key(void **state)
{
    char text[256];
    (void)state;
    expect(kek_given_file(pair, ""), "SHA-256");
    expect(kek_given_file(pair, "oaep-hash: SHA-256\n"), "SHA-256");
    expect(kek_given_file(pair, "oaep-hash: SHA-1\n"), "SHA-1");
    expect(kek_given_file(pair, "from the HSM in Bern\r\noaep-hash: SHA-1\r\n"), "SHA-1");
    refuse(kek_given_file(pair, "oaep-hash: MD5\n"), "oaep-hash must be SHA-256 or SHA-1");
    refuse(kek_given_file(pair, "oaep-hash: SHA-1 \n"), "oaep-hash");
    refuse(kek_given_file(pair, "oaep-hash: \n"), "oaep-hash");
    refuse(kek_given_file(pair, "oaep-hash: SHA-25600000000000000\n"), "oaep-hash");

    snprintf(text, sizeof text, "fingerprint: %s\n", kek_given_fingerprint(pair));
    expect(kek_given_file(pair, text), "SHA-256");
    text[strlen(text) - 2] ^= 1;
    refuse(kek_given_file(pair, text), "another key's");
    refuse(kek_given_file(pair, text), kek_given_fingerprint(pair));
    refuse(kek_given_file(pair, "fingerprint: \n"), "another key's");
}

static void fingerprint(void **state)
{
    _cleanup_kek_ struct kek kek = {0};
    struct p11_error error;
    (void)state;
    assert_int_equal(kek_read_file(kek_given_file(pair, ""), &kek, &error), 0);
    assert_string_equal(kek.fingerprint, kek_given_fingerprint(pair));
}

static void sizes(void **state)
{
    static const struct {
        int bits;
        bool good;
    } rows[] = {{1024, false}, {2047, false}, {2048, true},
                {3072, true},  {4096, true},  {4097, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = kek_given_bits("RSA", rows[i].bits);
        const char *path = kek_given_file(key, "");
        if (rows[i].good)
            expect(path, "SHA-256");
        else
            refuse(path, "not an RSA key of 2048 to 4096 bits");
        EVP_PKEY_free(key);
    }
}

static void what_is_no_rsa_key(void **state)
{
    EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), kek_given_bits("RSA-PSS", 2048)};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        refuse(kek_given_file(keys[i], ""), "not an RSA key");
        EVP_PKEY_free(keys[i]);
    }
}

static void what_is_no_key(void **state)
{
    (void)state;
    refuse(scratch_path("nothing"), "No such file");
    refuse(scratch_path("."), "no public key in PEM");
    refuse("/dev/zero", "no public key in PEM");
    refuse(scratch_write("empty", ""), "no public key in PEM");
    refuse(scratch_write("words", "-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n"),
           "no public key in PEM");
    refuse(scratch_write("private", "-----BEGIN PRIVATE KEY-----\n"), "no public key in PEM");
}

/* Every file that ends early. */
static void truncated(void **state)
{
    size_t length;
    (void)state;
    kek_given_file(pair, "oaep-hash: SHA-1\n");
    char *text = scratch_read("kek.pem", &length);
    while (text[length - 1] == '\n')
        length--; /* without it the file is whole */
    for (size_t i = 0; i < length; i += 7) {
        char byte = text[i];
        text[i] = '\0';
        refuse(scratch_write("short.pem", text), "no public key in PEM");
        text[i] = byte;
    }
    free(text);
}

static void largest_file(void **state)
{
    static char text[FILE_MAX + 2];
    size_t length;
    (void)state;
    kek_given_file(pair, "");
    char *pem = scratch_read("kek.pem", &length);
    memset(text, '\n', sizeof text);
    memcpy(text, pem, length);
    free(pem);
    text[FILE_MAX] = '\0';
    expect(scratch_write("large.pem", text), "SHA-256");
    text[FILE_MAX] = '\n';
    text[FILE_MAX + 1] = '\0';
    refuse(scratch_write("large.pem", text), "no public key in PEM");
}

static void room(void **state)
{
    static const struct {
        int bits;
        const char *before;
        size_t room; /* RFC 8017 section 7.1.1: k - 2hLen - 2 */
    } rows[] = {{2048, "", 190},
                {2048, "oaep-hash: SHA-1\n", 214},
                {3072, "", 318},
                {4096, "", 446},
                {4096, "oaep-hash: SHA-1\n", 470}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_kek_ struct kek kek = {0};
        struct p11_error error;
        EVP_PKEY *key = kek_given_bits("RSA", rows[i].bits);
        assert_int_equal(kek_read_file(kek_given_file(key, rows[i].before), &kek, &error), 0);
        assert_int_equal(kek_room(&kek), rows[i].room);
        EVP_PKEY_free(key);
    }
}

static void decrypt(const struct kek_hash *hash, const unsigned char *data, size_t length,
                    const unsigned char *wanted, size_t wanted_len)
{
    unsigned char plain[KEK_RSA_MAX];
    size_t plain_len = sizeof plain;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    const EVP_MD *md = EVP_get_digestbyname(strcmp(hash->name, "SHA-1") == 0 ? "SHA1" : "SHA256");
    assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, md);
    EVP_PKEY_CTX_set_rsa_mgf1_md(context, md);
    assert_int_equal(EVP_PKEY_decrypt(context, plain, &plain_len, data, length), 1);
    EVP_PKEY_CTX_free(context);
    assert_int_equal(plain_len, wanted_len);
    assert_memory_equal(plain, wanted, wanted_len);
}

static void encryption(void **state)
{
    unsigned char plain[256], data[KEK_RSA_MAX], again[KEK_RSA_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (unsigned char)(i * 7);
    for (size_t i = 0; kek_hash_at(i); i++) {
        _cleanup_kek_ struct kek kek = {0};
        struct p11_error error;
        size_t length = 0;
        assert_int_equal(kek_read_file(kek_given_file(pair, ""), &kek, &error), 0);
        kek.hash = kek_hash_at(i);
        assert_int_equal(kek_encrypt(&kek, plain, kek_room(&kek), data, &length, &error), 0);
        assert_int_equal(length, 256);
        decrypt(kek.hash, data, length, plain, kek_room(&kek));
        assert_int_equal(kek_encrypt(&kek, plain, kek_room(&kek), again, &length, &error), 0);
        assert_memory_not_equal(data, again, length);
        assert_int_equal(kek_encrypt(&kek, plain, kek_room(&kek) + 1, data, &length, &error),
                         P11_FAILED);
        assert_non_null(strstr(error.text, kek.hash->name));
    }
}

/* What export-kek prints is what wrap reads. */
static void printed(void **state)
{
    _cleanup_kek_ struct kek kek = {0}, read = {0};
    struct p11_error error;
    (void)state;
    assert_int_equal(kek_read_file(kek_given_file(pair, "oaep-hash: SHA-1\n"), &kek, &error), 0);
    scratch_output("printed");
    int r = kek_print(&kek, &error);
    scratch_output_end();
    assert_int_equal(r, 0);
    char *text = scratch_read("printed", NULL);
    assert_int_equal(strncmp(text, "fingerprint: ", 13), 0);
    assert_int_equal(strncmp(text + 13, kek.fingerprint, KEK_FINGERPRINT_HEX), 0);
    free(text);
    assert_int_equal(kek_read_file(scratch_path("printed"), &read, &error), 0);
    assert_string_equal(read.fingerprint, kek.fingerprint);
    assert_ptr_equal(read.hash, kek.hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),       cmocka_unit_test(lines_before_the_key),
        cmocka_unit_test(fingerprint),  cmocka_unit_test(sizes),
        cmocka_unit_test(truncated),    cmocka_unit_test(what_is_no_rsa_key),
        cmocka_unit_test(largest_file), cmocka_unit_test(what_is_no_key),
        cmocka_unit_test(room),         cmocka_unit_test(encryption),
        cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests_name("kek", tests, setup, teardown);
}
