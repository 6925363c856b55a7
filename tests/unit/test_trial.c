/* Tests of pkcs11/key/trial.c: a sound token is found sound, and no lie of another is believed. */
#include "config.h"
#include "pkcs11/key/trial.h"
#include "pkcs11/key/kept.h"
#include "pkcs11/key/newkey.h"
#include "tests/unit/soft_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct module module;
static struct token token;
static struct report report;
static struct crypto *crypto;
static OSSL_LIB_CTX *library;
static int64_t tick_ns; /* what each look at the clock takes by it; 0: the time goes by */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static int64_t now;
    if (tick_ns == 0)
        return (int)syscall(SYS_clock_gettime, clock, ret_time);
    now += tick_ns;
    *ret_time = (struct timespec){.tv_sec = now / 1000000000, .tv_nsec = now % 1000000000};
    return 0;
}

static int start(void **state)
{
    struct p11_error error;
    (void)state;
    library = OSSL_LIB_CTX_new();
    return crypto_new(library, NULL, &crypto, &error);
}

static int end(void **state)
{
    (void)state;
    crypto_free(crypto);
    OSSL_LIB_CTX_free(library);
    soft_end();
    return 0;
}

static int begin(void **state)
{
    (void)state;
    soft_reset();
    module.fn = &soft_functions;
    token.name = (char *)"pkcs11:token=fake";
    token.module = &module;
    token.sessions.flags = CKF_SERIAL_SESSION;
    token.anchor = FAKE_SESSION_FIRST - 1; /* it was open before */
    report = (struct report){.count = 0};
    tick_ns = 0;
    return 0;
}

static void attempt(void (*trial)(const struct trial *trial))
{
    const struct trial here = {&token, library, crypto, &report};
    report.count = 0;
    soft.stays = false;
    trial(&here);
    assert_false(soft.stays);
}

static const struct result *result_of(const char *name)
{
    const struct result *result = report_find(&report, name);
    if (!result)
        fail_msg("there is no result '%s'", name);
    return result;
}

static void expect(const char *name, bool works, const char *detail)
{
    const struct result *result = result_of(name);
    if (result->works != works || strcmp(result->detail, detail) != 0)
        fail_msg("%s: %s, %s", name, result->works ? "works" : "does not", result->detail);
}

/* --- secret keys --- */

static void hmac(void **state)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    (void)state;
    attempt(trial_hmac);
    assert_int_equal(report.count, 9);
    for (size_t i = 0; i < 3; i++) {
        char name[REPORT_NAME_MAX];
        snprintf(name, sizeof name, "create key for %s", algorithms[i]);
        expect(name, true, "a generic secret");
        assert_true(result_of(name)->us > 0);
        snprintf(name, sizeof name, "attributes of key for %s", algorithms[i]);
        expect(name, true, "all are told");
        snprintf(name, sizeof name, "sign %s", algorithms[i]);
        expect(name, true, "right");
        assert_true(result_of(name)->us > 0);
    }
    assert_int_equal(soft.objects, 0);
}

static void keys_of_the_type_of_the_hash(void **state)
{
    (void)state;
    soft.does_not_know = CKK_GENERIC_SECRET;
    attempt(trial_hmac);
    expect("create key for HS384", true, "a key of the type of its hash");
    expect("sign HS384", true, "right");
}

/* Every signature is looked at, not the first alone. */
static void wrong_signatures(void **state)
{
    static const unsigned numbers[] = {1, 2, 100, 200};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        begin(state);
        tick_ns = 90000; /* enough signatures on a slow machine, too */
        soft.wrong_at = numbers[i];
        attempt(trial_hmac);
        expect("sign HS256", false, "gave a wrong signature");
        expect("sign HS384", true, "right");
        assert_int_equal(soft.objects, 0);
    }
}

static void short_signatures(void **state)
{
    (void)state;
    soft.too_short = 1;
    attempt(trial_hmac);
    expect("sign HS256", false, "C_Sign gave 31 bytes where HS256 has 32");
    assert_false(report_any_works(&report, "sign "));
}

static void no_signatures(void **state)
{
    (void)state;
    soft.refuses = CKM_SHA512_HMAC;
    attempt(trial_hmac);
    expect("create key for HS512", true, "a generic secret");
    expect("sign HS512", false, "C_SignInit: CKR_MECHANISM_INVALID");
    expect("sign HS256", true, "right");
}

static void weak_keys(void **state)
{
    (void)state;
    soft.weakens = CKA_EXTRACTABLE;
    attempt(trial_hmac);
    expect("create key for HS256", false, "the new key is CKA_EXTRACTABLE; it was removed again");
    assert_int_equal(report.count, 3);
    assert_int_equal(soft.objects, 0);
    begin(state);
    soft.readable = true;
    attempt(trial_hmac);
    expect("create key for HS256", false,
           "the new key lets its value be read; it was removed again");
}

static void keys_that_stay(void **state)
{
    (void)state;
    soft.destroy = CKR_FUNCTION_FAILED;
    attempt(trial_hmac);
    expect("sign HS256", true, "right");
    expect("destroy", false, "C_DestroyObject: CKR_FUNCTION_FAILED");
    assert_int_equal(report.count, 12);
}

/* --- pairs --- */

static void pairs(void **state)
{
    (void)state;
    attempt(trial_generate);
    expect("generate rsa:2048", true, "protected");
    expect("sign RS256", true, "right");
    expect("sign PS256", false, "C_SignInit: CKR_MECHANISM_INVALID");
    expect("generate ec:P-256", false,
           "C_GenerateKeyPair: CKR_MECHANISM_INVALID: the token cannot make keys of that type");
    expect("generate ed25519", false,
           "C_GenerateKeyPair: CKR_MECHANISM_INVALID: the token cannot make keys of that type");
    assert_int_equal(soft.objects, 0);
}

static void hashes_that_we_make(void **state)
{
    (void)state;
    soft.refuses = CKM_SHA256_RSA_PKCS;
    attempt(trial_generate);
    expect("sign RS256", true, "right, of hashes that we make");
}

static void wrong_signatures_of_pairs(void **state)
{
    (void)state;
    tick_ns = 5000000;
    soft.wrong_at = 2; /* there is no second try with hashes that we make */
    attempt(trial_generate);
    expect("sign RS256", false, "gave a wrong signature");
}

/* --- keys that are there --- */

/* Makes a key that stays, and indexes the token. */
static void keep(const char *type)
{
    struct newkey_name name;
    struct newkey newkey;
    struct p11_error error;
    if (newkey_name("kept", NULL, 0, &name, &error) < 0 ||
        newkey_generate(&token, &name, keyspec_find(type), &newkey, &error) < 0 ||
        token_index(&token, &error) < 0)
        fail_msg("%s", error.text);
}

static void kept_keys(void **state)
{
    (void)state;
    attempt(kept_try);
    assert_int_equal(report.count, 0);
    keep("rsa:2048");
    unsigned objects = soft.objects;
    attempt(kept_try);
    assert_int_equal(report.count, 3);
    expect("sign RS256", true, "right, with a key that is there");
    expect("sign RS384", true, "right, with a key that is there");
    assert_int_equal(soft.objects, objects);

    /* What is known already is not tried again. */
    const struct trial here = {&token, library, crypto, &report};
    report.count = 0;
    report_add(&report, "sign RS256", false, 0, "no");
    kept_try(&here);
    assert_int_equal(report.count, 3);
    expect("sign RS256", false, "no");
    index_clear(&token.index);
}

static void kept_keys_that_lie(void **state)
{
    (void)state;
    keep("rsa:2048");
    soft.too_short = 1;
    attempt(kept_try);
    assert_int_equal(report.count, 0);
    index_clear(&token.index);
    begin(state);
    keep("wrap:rsa:2048");
    attempt(kept_try);
    assert_int_equal(report.count, 0);
    index_clear(&token.index);
}

/* --- wrapped keys --- */

static const char *const unwraps[] = {"unwrap OAEP SHA-256", "unwrap OAEP SHA-256, AES",
                                      "unwrap OAEP SHA-1", "unwrap OAEP SHA-1, AES"};

static void wrapped_keys(void **state)
{
    (void)state;
    attempt(trial_unwrap);
    expect("generate wrap:rsa:2048", true, "protected");
    for (size_t i = 0; i < 4; i++) {
        expect(unwraps[i], true, "the right key");
        assert_true(result_of(unwraps[i])->us > 0);
    }
    assert_int_equal(soft.objects, 0);
}

static void wrapped_keys_by_the_last_name(void **state)
{
    (void)state;
    soft.renamed = true;
    attempt(trial_unwrap);
    for (size_t i = 0; i < 4; i++)
        expect(unwraps[i], true, "the right key");
}

static void other_keys_than_were_wrapped(void **state)
{
    (void)state;
    soft.mixes_up = true;
    attempt(trial_unwrap);
    for (size_t i = 0; i < 4; i++)
        expect(unwraps[i], false, "gave a wrong signature");
    assert_int_equal(soft.objects, 0);
}

static void one_way_to_unwrap(void **state)
{
    (void)state;
    soft.hash = CKM_SHA256;
    attempt(trial_unwrap);
    for (size_t i = 0; i < 4; i++)
        expect(unwraps[i], i >= 2, i >= 2 ? "the right key" : "C_UnwrapKey: CKR_ARGUMENTS_BAD");
    begin(state);
    soft.refuses = CKM_AES_KEY_WRAP_PAD;
    attempt(trial_unwrap);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result_of(unwraps[i])->works, i % 2 == 0);
    assert_int_equal(soft.objects, 0);
}

static void pairs_that_may_decrypt(void **state)
{
    (void)state;
    soft.weakens = CKA_DECRYPT;
    attempt(trial_unwrap);
    assert_int_equal(report.count, 1);
    expect("generate wrap:rsa:2048", false,
           "the new key may decrypt (CKA_DECRYPT), not only unwrap keys; it was removed again");
}

/* --- sessions --- */

static void sessions(void **state)
{
    static const struct {
        unsigned most;
        CK_ULONG told;
        const char *detail;
    } rows[] = {
        {0, CK_EFFECTIVELY_INFINITE, "65 at once, or more; the token says: any number"},
        {64, CK_UNAVAILABLE_INFORMATION, "65 at once, or more; the token says: does not tell"},
        {63, 1024, "64 at once; the token says: 1024"},
        {2, 16, "3 at once; the token says: 16"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(state);
        soft.sessions_max = rows[i].most;
        token.info.ulMaxSessionCount = rows[i].told;
        attempt(trial_sessions);
        expect("sessions", true, rows[i].detail);
        assert_int_equal(fake.open_sessions, 0);
    }
}

static void sessions_that_stay(void **state)
{
    (void)state;
    soft.close = CKR_FUNCTION_FAILED;
    soft.sessions_max = 2;
    attempt(trial_sessions);
    expect("sessions", false, "2 of 2 could not be closed");
}

static void no_session_more(void **state)
{
    (void)state;
    fake.open_session = CKR_SESSION_COUNT;
    attempt(trial_sessions);
    expect("sessions", true, "1 at once; the token says: 16");
    assert_true(result_of("sessions")->us == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(hmac),
        TEST(keys_of_the_type_of_the_hash),
        TEST(wrong_signatures),
        TEST(short_signatures),
        TEST(no_signatures),
        TEST(weak_keys),
        TEST(keys_that_stay),
        TEST(pairs),
        TEST(hashes_that_we_make),
        TEST(wrong_signatures_of_pairs),
        TEST(wrapped_keys),
        TEST(wrapped_keys_by_the_last_name),
        TEST(other_keys_than_were_wrapped),
        TEST(one_way_to_unwrap),
        TEST(pairs_that_may_decrypt),
        TEST(kept_keys),
        TEST(kept_keys_that_lie),
        TEST(sessions),
        TEST(sessions_that_stay),
        TEST(no_session_more),
    };
    return cmocka_run_group_tests_name("trial", tests, start, end);
}
