/* Tests of pkcs11/sign.c: how long a request waits for tokens that are being recovered. */
#include "config.h"
#include "pkcs11/sign.h"
#include "pkcs11/prober.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#define HOMES 2

static struct crypto crypto;
static struct module *modules[HOMES];
static struct token *tokens[HOMES];
static struct prober *probers[HOMES];
static struct keyring *keyring;
static struct key *key;
static atomic_bool released;

static CK_RV initialize(void *args)
{
    (void)args;
    while (!atomic_load(&released))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return CKR_GENERAL_ERROR;
}

static void token_changed(void *context, struct token *which, enum token_state state,
                          const char *detail)
{
    (void)context;
    (void)which;
    (void)state;
    (void)detail;
}

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
}

static int setup(void **state)
{
    static const struct ladder_events events = {.token_changed = token_changed,
                                                .resolved = resolved};
    struct p11_error error;
    (void)state;
    fake_reset();
    fake_functions.C_Initialize = initialize;
    for (size_t i = 0; i < HOMES; i++) {
        modules[i] = fake_module();
        if (token_new("a", "pkcs11:token=fake?module-path=" FAKE_MODULE_PATH, 4, TOKEN_LOGIN_NONE,
                      &tokens[i], &error) < 0)
            return -1;
        tokens[i]->module = modules[i];
    }
    if (keyring_new(&crypto, tokens, HOMES, &keyring, &error) < 0 ||
        keyring_add(keyring, "pkcs11:object=one", mech_find("HS256"), &key, &error) < 0)
        return -1;
    for (size_t i = 0; i < HOMES; i++)
        if (prober_start(modules[i], &tokens[i], 1, keyring, &events, NULL, &probers[i], &error) <
            0)
            return -1;
    return 0;
}

static int teardown(void **state)
{
    struct timespec deadline;
    (void)state;
    atomic_store(&released, true);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += 10;
    for (size_t i = 0; i < HOMES; i++) {
        prober_stop(probers[i]);
        if (pthread_clockjoin_np(prober_thread(probers[i]), NULL, CLOCK_MONOTONIC, &deadline) != 0)
            return -1;
        prober_free(probers[i]);
        fake_module_free(modules[i]);
        token_free(tokens[i]);
    }
    keyring_unref(keyring);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_homes_together_have_two_seconds, setup, teardown),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
