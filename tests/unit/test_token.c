/* Tests of pkcs11/token.c: URIs, logging in, and PINs that are not tried. */
#include "config.h"
#include "pkcs11/token.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define URI "pkcs11:token=fake?module-path=" FAKE_MODULE_PATH

static struct module *module;
static struct token *token;
static char pin_file[] = "/tmp/hintsign-pin.XXXXXX";
static unsigned asked;
static char asked_for[40];

static int setup(void **state)
{
    (void)state;
    struct p11_error error;
    fake_reset();
    token = NULL;
    asked = 0;
    memcpy(pin_file + sizeof pin_file - 7, "XXXXXX", 6);
    int fd = mkstemp(pin_file);
    if (fd < 0 || write(fd, "12345678\n", 9) != 9 || close(fd) < 0)
        return -1;
    module = fake_module();
    return module_start(module, &error);
}

static int teardown(void **state)
{
    (void)state;
    token_free(token);
    fake_module_free(module);
    return unlink(pin_file);
}

static void make_token(bool with_pin_file, enum token_login login)
{
    char uri[sizeof URI + sizeof pin_file + 32];
    struct p11_error error;
    snprintf(uri, sizeof uri, "%s%s%s", URI, with_pin_file ? "&pin-source=file:" : "",
             with_pin_file ? pin_file : "");
    assert_int_equal(token_new("a", uri, 4, login, &token, &error), 0);
    token->module = module;
}

static int open_token(struct p11_error *error)
{
    *error = (struct p11_error){.code = 0};
    int r = token_find(token, error);
    return r < 0 ? r : token_open(token, error);
}

static void write_pin_file(const char *pin)
{
    FILE *file = fopen(pin_file, "we");
    assert_non_null(file);
    fputs(pin, file);
    fclose(file);
}

/* An administrator's wish, with his PIN or with that of the file. */
static void unlock_with(const char *pin)
{
    token->held = false;
    token->unlocking = true;
    if (pin) {
        assert_int_equal(secret_reserve(&token->given_pin, strlen(pin)), 0);
        memcpy(token->given_pin.data, pin, strlen(pin));
    }
}

static int answer(const char *token_label, struct secret *ret_pin)
{
    asked++;
    snprintf(asked_for, sizeof asked_for, "%s", token_label);
    if (secret_reserve(ret_pin, 4) < 0)
        return -1;
    memcpy(ret_pin->data, "1234", 4);
    return 0;
}

static int nobody_there(const char *token_label, struct secret *ret_pin)
{
    (void)token_label;
    (void)ret_pin;
    return -1;
}

static void uris(void **state)
{
    (void)state;
    static const char *const good[] = {
        URI,
        "pkcs11:token=fake?module-name=softhsm2",
        "pkcs11:serial=1;manufacturer=m?module-path=/x&pin-source=file:/pin",
        URI "&pin-source=credential:pin",
    };
    static const char *const bad[] = {
        "",
        "token=fake",
        "pkcs11:token=fake",
        "pkcs11:token=fake?module-path=/x&module-name=y",
        "pkcs11:token=fake;colour=red?module-path=/x",
        URI "&pin-value=1234",
        URI "&pin-source=pin",
        URI "&pin-source=credential:../pin",
    };
    struct p11_error error;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(token_check_uri(good[i], &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(token_check_uri(bad[i], &error), P11_INVALID);
        assert_int_equal(token_new("a", bad[i], 1, TOKEN_LOGIN_PIN, &token, &error), P11_INVALID);
    }
}

static void pin_from_a_file(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(fake.logins, 1);
    assert_int_equal(fake.pin_length, 8);
    assert_int_equal(fake.open_sessions, 1);
    token_close(token);
    assert_int_equal(fake.open_sessions, 0);
}

static void refused_pin_is_not_tried_again(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    fake.login = CKR_PIN_INCORRECT;
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(error.rv, CKR_PIN_INCORRECT);
    assert_int_equal(fake.open_sessions, 0);
    fake.login = CKR_OK;
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 1);
}

static void another_pin_may_be_tried(void **state)
{
    (void)state;
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    struct crypto *crypto = NULL;
    struct p11_error error;
    assert_int_equal(crypto_new(library, NULL, &crypto, &error), 0);
    make_token(true, TOKEN_LOGIN_PIN);
    token->crypto = crypto;
    fake.login = CKR_PIN_INCORRECT;
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 1);
    write_pin_file("87654321");
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 2);
    fake.login = CKR_OK;
    write_pin_file("12345678\n");
    assert_int_equal(open_token(&error), 0);
    assert_false(token->pin_refused);
    token->crypto = NULL;
    crypto_free(crypto);
    OSSL_LIB_CTX_free(library);
}

static void administrator_tries_once(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    fake.flags |= CKF_USER_PIN_FINAL_TRY;
    fake.login = CKR_PIN_INCORRECT;
    unlock_with("1234");
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.pin_length, 4);
    assert_null(token->given_pin.data);
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 1);
    fake.login = CKR_OK;
    unlock_with(NULL); /* with the file, which is as he wants it now */
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(fake.pin_length, 8);
    assert_false(token->by_hand);
    unlock_with("1234");
    assert_int_equal(open_token(&error), 0);
    assert_true(token->by_hand);
}

static void administrator_does_not_try_a_locked_pin(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    fake.flags |= CKF_USER_PIN_LOCKED;
    unlock_with("1234");
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 0);
}

static void held_token_stays_locked(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    token->held = true;
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins + fake.open_sessions, 0);
    unlock_with(NULL);
    assert_int_equal(open_token(&error), 0);
    token_free(token);
    make_token(false, TOKEN_LOGIN_NONE);
    token->held = true;
    assert_int_equal(open_token(&error), P11_LOCKED);
}

static void file_is_not_tried_while_the_token_counts(void **state)
{
    (void)state;
    static const CK_FLAGS flags[] = {CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY,
                                     CKF_USER_PIN_LOCKED};
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        fake_reset();
        fake.flags |= flags[i];
        assert_int_equal(open_token(&error), P11_LOCKED);
    }
    assert_int_equal(fake.logins, 0);
}

static void person_is_asked(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(false, TOKEN_LOGIN_PIN);
    assert_int_equal(open_token(&error), P11_LOCKED);
    token->ask_pin = nobody_there;
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_int_equal(fake.logins, 0);
    token->ask_pin = answer;
    fake.flags |= CKF_USER_PIN_COUNT_LOW; /* a person may try */
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(asked, 1);
    assert_string_equal(asked_for, "fake");
    assert_int_equal(fake.pin_length, 4);
}

static void person_is_not_asked_where_there_is_a_file(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    token->ask_pin = answer;
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(asked, 0);
}

static void pin_at_the_device(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(false, TOKEN_LOGIN_PROTECTED);
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(fake.logins, 1);
    assert_int_equal(fake.pin_length, 0);
    unlock_with("1234");
    assert_int_equal(open_token(&error), P11_LOCKED);
    assert_non_null(strstr(error.text, "at the device"));
    assert_int_equal(fake.logins, 1);
}

/* Nobody waits at the device of an agent: without a person to ask, the PIN is missing. */
static void pin_pad_is_for_persons(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(false, TOKEN_LOGIN_PIN);
    fake.flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    assert_int_equal(open_token(&error), P11_LOCKED);
    token->ask_pin = answer;
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(fake.pin_length, 0);
}

static void no_login(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(false, TOKEN_LOGIN_NONE);
    assert_int_equal(open_token(&error), 0);
    token_free(token);
    make_token(false, TOKEN_LOGIN_PIN);
    fake.flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
    assert_int_equal(open_token(&error), 0);
    assert_int_equal(fake.logins, 0);
}

static void logged_in_already(void **state)
{
    (void)state;
    struct p11_error error;
    make_token(true, TOKEN_LOGIN_PIN);
    fake.login = CKR_USER_ALREADY_LOGGED_IN;
    assert_int_equal(open_token(&error), 0);
}

/* Sessions are for reading alone, unless the token has none such. */
static void sessions_for_reading(void **state)
{
    (void)state;
    struct p11_error error;
    struct session *session;
    for (int only = 0; only < 2; only++) {
        CK_FLAGS flags = CKF_SERIAL_SESSION | (only ? CKF_RW_SESSION : 0);
        fake.read_write_only = only;
        make_token(true, TOKEN_LOGIN_PIN);
        assert_int_equal(open_token(&error), 0);
        assert_int_equal(fake.session_flags, flags);
        fake.session_flags = 0;
        assert_int_equal(session_take(&token->sessions, &fake_functions, 0, 1, 0, &session, &error),
                         0);
        assert_int_equal(fake.session_flags, flags);
        session_return(&token->sessions, session);
        token_close(token);
        token_free(token);
        token = NULL;
    }
    make_token(true, TOKEN_LOGIN_PIN);
    fake.open_session = CKR_FUNCTION_FAILED;
    assert_int_equal(open_token(&error), P11_UNAVAILABLE);
    assert_int_equal(error.rv, CKR_FUNCTION_FAILED);
}

static void another_token(void **state)
{
    (void)state;
    struct p11_error error;
    assert_int_equal(
        token_new("a", "pkcs11:token=other?module-path=/x", 1, TOKEN_LOGIN_NONE, &token, &error),
        0);
    token->module = module;
    assert_int_equal(open_token(&error), P11_UNAVAILABLE);
    assert_non_null(strstr(error.text, "no token of"));
    assert_int_equal(fake.open_sessions, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(uris),
        TEST(pin_from_a_file),
        TEST(refused_pin_is_not_tried_again),
        TEST(another_pin_may_be_tried),
        TEST(administrator_tries_once),
        TEST(administrator_does_not_try_a_locked_pin),
        TEST(held_token_stays_locked),
        TEST(file_is_not_tried_while_the_token_counts),
        TEST(person_is_asked),
        TEST(person_is_not_asked_where_there_is_a_file),
        TEST(pin_at_the_device),
        TEST(pin_pad_is_for_persons),
        TEST(no_login),
        TEST(logged_in_already),
        TEST(sessions_for_reading),
        TEST(another_token),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
