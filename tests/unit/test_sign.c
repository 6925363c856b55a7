/* Tests of pkcs11/sign.c: how long a request waits for tokens that are being recovered, and when an
 * error is about the data. */
#include "config.h"
#include "pkcs11/sign.h"
#include "pkcs11/prober.h"
#include "tests/unit/fake_token.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define HOMES   2
#define LONGEST 64 /* bytes that the token signs */

static struct crypto crypto;
static struct module *modules[HOMES];
static struct token *tokens[HOMES];
static struct prober *probers[HOMES];
static struct keyring *keyring;
static struct key *key;
static size_t homes;
static atomic_bool released;
static sem_t has_resolved;
static struct fake_object object;
static CK_C_Initialize initialize;
static _Atomic CK_RV answer; /* of C_Sign */

static CK_RV hang(void *args)
{
    (void)args;
    while (!atomic_load(&released))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return CKR_GENERAL_ERROR;
}

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
    sem_post(&has_resolved);
}

static int set_up(size_t count)
{
    static const struct ladder_events events = {.token_changed = fake_token_changed,
                                                .resolved = resolved};
    struct p11_error error;
    sem_init(&has_resolved, 0, 0);
    homes = count;
    for (size_t i = 0; i < homes; i++) {
        modules[i] = fake_module();
        if (token_new("a", "pkcs11:token=fake?module-path=" FAKE_MODULE_PATH, 4, TOKEN_LOGIN_NONE,
                      &tokens[i], &error) < 0)
            return -1;
        tokens[i]->module = modules[i];
    }
    if (keyring_new(&crypto, tokens, homes, &keyring, &error) < 0 ||
        keyring_add(keyring, "pkcs11:object=one", mech_find("HS256"), &key, &error) < 0)
        return -1;
    for (size_t i = 0; i < homes; i++)
        if (prober_start(modules[i], &tokens[i], 1, keyring, &events, NULL, &probers[i], &error) <
            0)
            return -1;
    return 0;
}

static int setup_hanging(void **state)
{
    (void)state;
    fake_reset();
    atomic_store(&released, false);
    fake_functions.C_Initialize = hang;
    return set_up(HOMES);
}

static CK_RV give_answer(void)
{
    return atomic_load(&answer);
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_functions.C_Initialize = initialize;
    fake_hmac_key(&object, "one", "1");
    fake.objects = &object;
    fake.object_count = 1;
    fake.session_state = CKS_RO_USER_FUNCTIONS;
    fake.answer = give_answer;
    fake.longest = LONGEST;
    fake.too_long = CKR_GENERAL_ERROR;
    atomic_store(&answer, CKR_OK);
    if (set_up(1) < 0)
        return -1;
    sem_wait(&has_resolved);
    return atomic_load(&key->ready) ? 0 : -1;
}

static int teardown(void **state)
{
    struct timespec deadline;
    (void)state;
    atomic_store(&released, true);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += 10;
    for (size_t i = 0; i < homes; i++) {
        prober_stop(probers[i]);
        if (pthread_clockjoin_np(prober_thread(probers[i]), NULL, CLOCK_MONOTONIC, &deadline) != 0)
            return -1;
        prober_free(probers[i]);
    }
    for (size_t i = 0; i < homes; i++) { /* the other prober has looked at them, too */
        fake_module_free(modules[i]);
        token_free(tokens[i]);
    }
    keyring_unref(keyring);
    sem_destroy(&has_resolved);
    return 0;
}

static void all_homes_together_have_two_seconds(void **state)
{
    unsigned char signature[MECH_SIGNATURE_MAX];
    size_t length;
    struct p11_error error;
    int64_t start = watch_now();
    (void)state;
    assert_int_equal(sign_run(key, "data", 4, 0, signature, &length, &error), P11_UNAVAILABLE);
    assert_in_range(watch_now() - start, SIGN_RECOVERY_WAIT_MS, HOMES * SIGN_RECOVERY_WAIT_MS - 1);
}

static void nap(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void *wait_long(void *prober)
{
    int64_t end = watch_now() + SIGN_RECOVERY_WAIT_MS;
    for (; watch_now() < end; nap(1))
        prober_wait(prober, end);
    return NULL;
}

/* Others need the threads: beyond half of those that may be inside the module nobody waits. */
static void few_wait(void **state)
{
    pthread_t first;
    int64_t took, end = watch_now() + SIGN_RECOVERY_WAIT_MS;
    (void)state;
    atomic_store(&modules[0]->room, 1);
    assert_int_equal(pthread_create(&first, NULL, wait_long, probers[0]), 0);
    do {
        int64_t start = watch_now();
        assert_false(prober_wait(probers[0], start + 100));
        took = watch_now() - start;
        nap(10); /* so that the other one comes first */
    } while (took >= 100 && watch_now() < end - 300);
    pthread_join(first, NULL);
    assert_true(took < 100);
}

static int sign(size_t length)
{
    static const unsigned char data[2 * LONGEST];
    unsigned char signature[MECH_SIGNATURE_MAX];
    size_t signature_len;
    struct p11_error error;
    return sign_run(key, data, length, 0, signature, &signature_len, &error);
}

static uint64_t climbed(enum p11_rung rung)
{
    return atomic_load(&modules[0]->climbed[rung]);
}

/* A request that began under an older configuration, whose keys nobody resolves any more: by now
 * its handle may be another key's. */
static void handle_of_another_generation(void **state)
{
    (void)state;
    assert_int_equal(sign(LONGEST), 0);
    fake.signing = CK_INVALID_HANDLE;
    module_open(modules[0]);
    assert_int_equal(sign(LONGEST), P11_UNAVAILABLE);
    assert_int_equal(fake.signing, CK_INVALID_HANDLE);
}

/* Whatever the token calls them: nobody else is to feel it. */
static void data_that_are_too_long_cost_no_login(void **state)
{
    static const CK_RV rvs[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY,
                                CKR_VENDOR_DEFINED | 1};
    (void)state;
    for (size_t i = 0; i < sizeof rvs / sizeof rvs[0]; i++) {
        fake.too_long = rvs[i];
        assert_int_equal(sign(LONGEST + 1), P11_DATA);
        assert_false(atomic_load(&key->homes[0].doubted));
        assert_int_equal(sign(LONGEST), 0);
    }
    assert_int_equal(climbed(P11_RUNG_LOGIN), 0);
}

/* They are no reason to call it sound. */
static void a_token_that_is_broken_is_recovered(void **state)
{
    (void)state;
    atomic_store(&answer, CKR_GENERAL_ERROR);
    assert_int_equal(sign(LONGEST + 1), P11_UNAVAILABLE);
    assert_true(climbed(P11_RUNG_LOGIN) > 0);
    atomic_store(&answer, CKR_OK);
    int64_t end = watch_now() + SIGN_RECOVERY_WAIT_MS;
    while (sign(LONGEST) < 0 && watch_now() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(sign(LONGEST), 0);
}

/* What was signed for it after all was no matter of the data. */
static CK_RV fail_twice(void)
{
    static unsigned calls;
    return calls++ < 2 ? CKR_GENERAL_ERROR : CKR_OK;
}

static void a_token_that_is_well_again_signs(void **state)
{
    (void)state;
    fake.answer = fail_twice;
    assert_int_equal(sign(LONGEST), 0);
    assert_int_equal(climbed(P11_RUNG_LOGIN), 0);
}

int main(void)
{
    initialize = fake_functions.C_Initialize;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_homes_together_have_two_seconds, setup_hanging,
                                        teardown),
        cmocka_unit_test_setup_teardown(few_wait, setup_hanging, teardown),
        TEST(handle_of_another_generation),
        TEST(data_that_are_too_long_cost_no_login),
        TEST(a_token_that_is_broken_is_recovered),
        TEST(a_token_that_is_well_again_signs),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
