/* Tests of pkcs11/key/wrapped.c: what is wrapped comes out again; what its file may look like. */
#include "config.h"
#include "pkcs11/key/wrapped.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/mech.h"
#include "tests/unit/kek_given.h"
#include "tests/unit/members.h"
#include "tests/unit/scratch.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#define FILE_MAX 16384
#define ROOM     190 /* bytes, of RSA 2048 and SHA-256 */

static EVP_PKEY *pair;
static struct kek kek;

static int setup(void **state)
{
    struct p11_error error;
    pair = kek_given_pair();
    if (!pair || scratch_open(state) < 0)
        return -1;
    return kek_read_file(kek_given_file(pair, ""), &kek, &error);
}

static int teardown(void **state)
{
    kek_clear(&kek);
    EVP_PKEY_free(pair);
    return scratch_close(state);
}

/* --- wrapping --- */

static size_t rsa_decrypt(const unsigned char *data, size_t length,
                          unsigned char plain[static KEK_RSA_MAX])
{
    size_t plain_len = KEK_RSA_MAX;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256());
    EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256());
    assert_int_equal(EVP_PKEY_decrypt(context, plain, &plain_len, data, length), 1);
    EVP_PKEY_CTX_free(context);
    return plain_len;
}

static size_t aes_unwrap(const unsigned char *aes, const struct wrapped *wrapped,
                         unsigned char plain[static WRAPPED_DATA_MAX])
{
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    assert_int_equal(EVP_DecryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, aes, NULL), 1);
    assert_int_equal(
        EVP_DecryptUpdate(context, plain, &length, wrapped->data, (int)wrapped->length), 1);
    EVP_CIPHER_CTX_free(context);
    return (size_t)length;
}

static void make(size_t length, struct secret *key, struct wrapped *ret_wrapped)
{
    struct p11_error error;
    assert_int_equal(secret_reserve(key, length), 0);
    for (size_t i = 0; i < length; i++)
        key->data[i] = (unsigned char)(i % 251 + 1);
    if (wrapped_make(&kek, key, ret_wrapped, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(ret_wrapped->fingerprint, kek_given_fingerprint(pair));
    assert_ptr_equal(ret_wrapped->hash, kek.hash);
    assert_int_equal(ret_wrapped->key_len, length);
    ret_wrapped->mech = mech_find("HS256");
}

static void short_keys(void **state)
{
    static const size_t lengths[] = {32, 44, 64, ROOM};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        _cleanup_secret_ struct secret key = {0};
        unsigned char plain[KEK_RSA_MAX];
        struct wrapped wrapped;
        make(lengths[i], &key, &wrapped);
        assert_int_equal(wrapped.transport_len, 0);
        assert_int_equal(wrapped.length, 256);
        assert_int_equal(rsa_decrypt(wrapped.data, wrapped.length, plain), lengths[i]);
        assert_memory_equal(plain, key.data, lengths[i]);
    }
}

static void long_keys(void **state)
{
    static const size_t lengths[] = {ROOM + 1, 192, 193, 1000, SECRET_MAX - 1, SECRET_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        _cleanup_secret_ struct secret key = {0};
        unsigned char aes[KEK_RSA_MAX], plain[WRAPPED_DATA_MAX];
        struct wrapped wrapped;
        make(lengths[i], &key, &wrapped);
        assert_int_equal(wrapped.transport_len, 256);
        assert_int_equal(wrapped.length, (lengths[i] + 7) / 8 * 8 + 8); /* RFC 5649 section 3 */
        assert_int_equal(rsa_decrypt(wrapped.transport, 256, aes), WRAPPED_AES_LEN);
        assert_int_equal(aes_unwrap(aes, &wrapped, plain), lengths[i]);
        assert_memory_equal(plain, key.data, lengths[i]);
    }
}

static void never_the_same_twice(void **state)
{
    _cleanup_secret_ struct secret key = {0};
    struct wrapped first, second;
    (void)state;
    make(1000, &key, &first);
    make(1000, &key, &second);
    assert_memory_not_equal(first.transport, second.transport, 256);
    assert_memory_not_equal(first.data, second.data, first.length);
}

/* --- the file --- */

static const char *print(const struct wrapped *wrapped)
{
    struct p11_error error;
    scratch_output("wrapped");
    int r = wrapped_print(wrapped, &error);
    scratch_output_end();
    assert_int_equal(r, 0);
    return scratch_path("wrapped");
}

static void comes_back(void **state)
{
    static const size_t lengths[] = {32, ROOM, ROOM + 1, SECRET_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        _cleanup_secret_ struct secret key = {0};
        struct wrapped wrapped, read;
        struct p11_error error;
        make(lengths[i], &key, &wrapped);
        wrapped.derivation = i % 2 ? hmac_key_derivation("authway") : NULL;
        if (wrapped_read(print(&wrapped), &read, &error) < 0)
            fail_msg("%s", error.text);
        assert_string_equal(read.fingerprint, wrapped.fingerprint);
        assert_ptr_equal(read.hash, wrapped.hash);
        assert_ptr_equal(read.mech, wrapped.mech);
        assert_ptr_equal(read.derivation, wrapped.derivation);
        assert_int_equal(read.key_len, lengths[i]);
        assert_int_equal(read.transport_len, wrapped.transport_len);
        assert_memory_equal(read.transport, wrapped.transport, wrapped.transport_len);
        assert_int_equal(read.length, wrapped.length);
        assert_memory_equal(read.data, wrapped.data, wrapped.length);
    }
}

/* 16 bytes, from 0 to 15. */
#define B16 "'AAECAwQFBgcICQoLDA0ODw=='"
#define KEY "'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'"
static const struct member rows[] = {
    {"version", "1"},
    {"kek", KEY},
    {"oaep_hash", "'SHA-256'"},
    {"algorithm", "'HS256'"},
    {"derive", "'authway'"},
    {"length", "44"},
    {"transport_key", B16},
    {"wrapped_key", B16},
    {NULL, NULL},
};

static int read_with(const char *name, const char *value, struct wrapped *ret_wrapped,
                     struct p11_error *error)
{
    static char text[MEMBERS_TEXT_MAX];
    members_write(rows, name, value, text);
    return wrapped_read(scratch_json("file", text), ret_wrapped, error);
}

static void members(void **state)
{
    struct wrapped wrapped;
    struct p11_error error;
    (void)state;
    assert_int_equal(read_with("version", "1", &wrapped, &error), 0);
    assert_memory_equal(wrapped.fingerprint, &KEY[1], KEK_FINGERPRINT_HEX);
    assert_int_equal(wrapped.fingerprint[KEK_FINGERPRINT_HEX], '\0');
    assert_ptr_equal(wrapped.hash, kek_hash_find("SHA-256"));
    assert_ptr_equal(wrapped.mech, mech_find("HS256"));
    assert_ptr_equal(wrapped.derivation, hmac_key_derivation("authway"));
    assert_int_equal(wrapped.key_len, 44);
    assert_int_equal(wrapped.length, 16);
    assert_int_equal(wrapped.transport_len, 16);
    for (unsigned char i = 0; i < 16; i++)
        assert_true(wrapped.data[i] == i && wrapped.transport[i] == i);
    assert_int_equal(read_with("derive", NULL, &wrapped, &error), 0);
    assert_null(wrapped.derivation);
    assert_int_equal(read_with("transport_key", NULL, &wrapped, &error), 0);
    assert_int_equal(wrapped.transport_len, 0);
}

static void members_that_are_wrong(void **state)
{
    static const struct {
        const char *name, *value, *told;
    } cases[] = {
        {"version", NULL, "members"},
        {"version", "'1'", "members"},
        {"version", "1.0", "members"},
        {"version", "0", "version"},
        {"version", "2", "version"},
        {"version", "4294967297", "version"},
        {"kek", NULL, "members"},
        {"kek", "''", "kek"},
        {"kek", "'00'", "kek"},
        {"kek", "'00112233445566778899aabbccddeeff00112233445566778899aabbccddeef'", "kek"},
        {"kek", "'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0'", "kek"},
        {"kek", "'00112233445566778899aabbccddeeff00112233445566778899aabbccddee\\u0000f'", "JSON"},
        {"oaep_hash", NULL, "members"},
        {"oaep_hash", "'MD5'", "oaep_hash"},
        {"oaep_hash", "'sha-256'", "oaep_hash"},
        {"oaep_hash", "null", "members"},
        {"algorithm", NULL, "members"},
        {"algorithm", "'none'", "algorithm"},
        {"algorithm", "'RS256'", "algorithm"},
        {"algorithm", "'HS1'", "algorithm"},
        {"algorithm", "[ 'HS256' ]", "members"},
        {"derive", "'pingone'", "derive"},
        {"derive", "''", "derive"},
        {"derive", "null", "members"},
        {"length", NULL, "members"},
        {"length", "'44'", "members"},
        {"length", "44.0", "members"},
        {"length", "31", "length"},
        {"length", "0", "length"},
        {"length", "-1", "length"},
        {"length", "4097", "length"},
        {"length", "9223372036854775807", "length"},
        {"length", "-9223372036854775808", "length"},
        {"length", "9223372036854775808", "JSON"},
        {"transport_key", "''", "transport_key"},
        {"transport_key", "'A'", "transport_key"},
        {"transport_key", "1", "members"},
        {"wrapped_key", NULL, "members"},
        {"wrapped_key", "''", "wrapped_key"},
        {"wrapped_key", "'AAE'", "wrapped_key"},
        {"wrapped_key", "'AAECA'", "wrapped_key"},
        {"wrapped_key", "'===='", "wrapped_key"},
        {"wrapped_key", "'A==='", "wrapped_key"},
        {"wrapped_key", "'AAECA==='", "wrapped_key"},
        {"wrapped_key", "'A=EC'", "wrapped_key"},
        {"wrapped_key", "'AA=='AAA='", "JSON"},
        {"wrapped_key", "'AA==AAA='", "wrapped_key"},
        {"wrapped_key", "'AA-_'", "wrapped_key"},
        {"wrapped_key", "'    AAEC'", "wrapped_key"},
        {"wrapped_key", "'AAEC    '", "wrapped_key"},
        {"wrapped_key", "'AAEC\\n\\n\\n\\n'", "wrapped_key"},
        {"wrapped_key", "'AAE\\u00e9AAA'", "wrapped_key"},
        {"wrapped_key", "false", "members"},
        {"more", "1", "members"},
        {"wrapped_key' : 'AAEC', 'wrapped_key", B16, "JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wrapped wrapped;
        struct p11_error error;
        char words[64];
        snprintf(words, sizeof words, "no file of hintsign-key wrap: its %s is wrong",
                 cases[i].told);
        int r = read_with(cases[i].name, cases[i].value, &wrapped, &error);
        if (r != P11_INVALID || !strstr(error.text, words))
            fail_msg("%s = %s: %d, %s", cases[i].name, cases[i].value ? cases[i].value : "nothing",
                     r, r ? error.text : "taken");
    }
}

static void shortest_keys(void **state)
{
    static const struct {
        const char *algorithm;
        int shortest;
    } cases[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (int below = 0; below < 2; below++) {
            char value[64];
            struct wrapped wrapped;
            struct p11_error error;
            snprintf(value, sizeof value, "'%s', 'length': %d", cases[i].algorithm,
                     cases[i].shortest - below);
            /* "length" would be there twice: the rows' own is left out. */
            char text[MEMBERS_TEXT_MAX];
            static struct member own[sizeof rows / sizeof rows[0]];
            memcpy(own, rows, sizeof own);
            own[5].value = NULL;
            members_write(own, "algorithm", value, text);
            assert_int_equal(wrapped_read(scratch_json("file", text), &wrapped, &error),
                             below ? P11_INVALID : 0);
        }
}

/* So many bytes in base64, quoted. */
static char *base64_of(size_t bytes)
{
    char *text = malloc((bytes + 2) / 3 * 4 + 3), *end = text;
    *end++ = '\'';
    for (size_t i = 0; i < bytes; i += 3)
        end = stpcpy(end, bytes - i == 1 ? "AA==" : bytes - i == 2 ? "AAA=" : "AAAA");
    strcpy(end, "'");
    return text;
}

static void longest_keys(void **state)
{
    static const struct {
        const char *name;
        size_t most;
    } cases[] = {{"wrapped_key", WRAPPED_DATA_MAX}, {"transport_key", KEK_RSA_MAX}};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t more = 0; more < 6; more++) {
            struct wrapped wrapped;
            struct p11_error error;
            char *value = base64_of(cases[i].most + more);
            int r = read_with(cases[i].name, value, &wrapped, &error);
            assert_int_equal(r, more ? P11_INVALID : 0);
            if (more == 0)
                assert_int_equal(i ? wrapped.transport_len : wrapped.length, cases[i].most);
            free(value);
        }
}

static void largest_file(void **state)
{
    static char text[FILE_MAX + 1];
    struct wrapped wrapped;
    struct p11_error error;
    (void)state;
    assert_int_equal(read_with("version", "1", &wrapped, &error), 0);
    size_t length;
    char *good = scratch_read("file", &length);
    memset(text, ' ', FILE_MAX);
    memcpy(text, good, length);
    free(good);
    assert_int_equal(wrapped_read(scratch_write("large", text), &wrapped, &error), P11_INVALID);
    text[FILE_MAX - 1] = '\0';
    assert_int_equal(wrapped_read(scratch_write("large", text), &wrapped, &error), 0);
    text[FILE_MAX - 2] = '}';
    assert_int_equal(wrapped_read(scratch_write("large", text), &wrapped, &error), P11_INVALID);
}

static void no_file(void **state)
{
    struct wrapped wrapped;
    struct p11_error error;
    (void)state;
    assert_int_equal(wrapped_read(scratch_path("none"), &wrapped, &error), P11_INVALID);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(wrapped_read(scratch_path("."), &wrapped, &error), P11_INVALID);
    assert_int_equal(wrapped_read("/dev/zero", &wrapped, &error), P11_INVALID);
    assert_int_equal(wrapped_read(scratch_write("empty", ""), &wrapped, &error), P11_INVALID);
    assert_int_equal(wrapped_read(scratch_write("array", "[]"), &wrapped, &error), P11_INVALID);
}

/* --- every byte of a file --- */

/* A file is refused with a reason, or what it says keeps to the limits. It is in memory: there are
 * thousands. */
static bool judge(int fd, const char *text)
{
    struct wrapped wrapped;
    struct p11_error error = {.text = ""};
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
    if (wrapped_read(path, &wrapped, &error) < 0) {
        assert_non_null(strstr(error.text, "no file of hintsign-key wrap"));
        return false;
    }
    assert_int_equal(strlen(wrapped.fingerprint), KEK_FINGERPRINT_HEX);
    assert_true(wrapped.hash && wrapped.mech && wrapped.mech->object_class == CKO_SECRET_KEY);
    assert_in_range(wrapped.key_len, wrapped.mech->key_min, SECRET_MAX);
    assert_in_range(wrapped.length, 1, WRAPPED_DATA_MAX);
    assert_in_range(wrapped.transport_len, 0, KEK_RSA_MAX);
    return true;
}

static void bent_files(void **state)
{
    static const char bytes[] = "{}[]:,\"\\=+-_ \n\x01\x7f\xc3\xff"
                                "09afAZ";
    _cleanup_secret_ struct secret key = {0};
    struct wrapped wrapped;
    size_t length;
    int fd = memfd_create("bent", MFD_CLOEXEC);
    (void)state;
    make(ROOM + 1, &key, &wrapped);
    print(&wrapped);
    char *text = scratch_read("wrapped", &length);
    while (text[length - 1] == '\n')
        text[--length] = '\0';
    assert_true(judge(fd, text));
    for (size_t at = 0; at < length; at++) {
        char byte = text[at];
        text[at] = '\0';
        assert_false(judge(fd, text));
        for (size_t i = at % 3; i < sizeof bytes - 1; i += 3) {
            text[at] = bytes[i];
            judge(fd, text);
        }
        text[at] = byte;
    }
    close(fd);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_keys),
        cmocka_unit_test(long_keys),
        cmocka_unit_test(never_the_same_twice),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(members),
        cmocka_unit_test(members_that_are_wrong),
        cmocka_unit_test(shortest_keys),
        cmocka_unit_test(longest_keys),
        cmocka_unit_test(largest_file),
        cmocka_unit_test(no_file),
        cmocka_unit_test(bent_files),
    };
    return cmocka_run_group_tests_name("wrapped", tests, setup, teardown);
}
