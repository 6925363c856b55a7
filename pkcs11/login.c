/* Logs in to a token: whose PIN is tried, and when none is. */
#include "config.h"
#include "pkcs11/login.h"
#include "pkcs11/pin.h"
#include "pkcs11/watch.h"

#include <string.h>

const char *login_warning(CK_FLAGS flags)
{
    if (flags & CKF_USER_PIN_LOCKED)
        return "the token's PIN is locked (CKF_USER_PIN_LOCKED)";
    if (flags & CKF_USER_PIN_FINAL_TRY)
        return "a wrong PIN was entered and one try is left (CKF_USER_PIN_FINAL_TRY)";
    if (flags & CKF_USER_PIN_COUNT_LOW)
        return "a wrong PIN was entered before (CKF_USER_PIN_COUNT_LOW)";
    return NULL;
}

/* Of a PIN that was refused only its hash is kept. Where there is nothing to hash with, every PIN
 * counts as that one. */
static bool was_refused(const struct token *token, const struct secret *pin)
{
    unsigned char digest[CRYPTO_SHA256];
    bool refused =
        token->pin_refused &&
        (!token->crypto || !crypto_sha256(token->crypto, pin->data, pin->length, digest) ||
         memcmp(digest, token->refused, sizeof digest) == 0);
    explicit_bzero(digest, sizeof digest); /* a PIN is short enough to be found by its hash */
    return refused;
}

static void remember_refused(struct token *token, const struct secret *pin)
{
    token->pin_refused = true;
    if (token->crypto && pin->data)
        crypto_sha256(token->crypto, pin->data, pin->length, token->refused);
}

static void forget_refused(struct token *token)
{
    token->pin_refused = false;
    explicit_bzero(token->refused, sizeof token->refused);
}

/* An administrator has been told how the token stands, and wants one try. */
static int get_administrators_pin(struct token *token, struct secret *ret_pin,
                                  struct p11_error *error)
{
    const char *source = p11_kit_uri_get_pin_source(token->uri);
    if (token->info.flags & CKF_USER_PIN_LOCKED)
        return p11_error_text(error, P11_LOCKED, "%s", login_warning(CKF_USER_PIN_LOCKED));
    if (token->given_pin.data) {
        *ret_pin = token->given_pin;
        token->given_pin = (struct secret){0};
        return 0;
    }
    if (!source)
        return p11_error_text(error, P11_LOCKED,
                              "the token's URI has no pin-source, and no PIN was given");
    return pin_fetch(source, ret_pin, error);
}

static int ask_person(struct token *token, struct secret *ret_pin)
{
    char label[sizeof token->info.label + 1] = {0};
    if (!token->ask_pin)
        return -1;
    memcpy(label, token->info.label, sizeof token->info.label);
    for (size_t n = sizeof token->info.label; n > 0 && label[n - 1] == ' '; n--)
        label[n - 1] = '\0';
    return token->ask_pin(label, ret_pin);
}

/* No PIN is tried by itself while the token counts a failure: a wrong PIN file would lock the
 * token after a few restarts. A person may try. */
static int get_pin(struct token *token, struct secret *ret_pin, struct p11_error *error)
{
    const char *source = p11_kit_uri_get_pin_source(token->uri);
    if (!source && ask_person(token, ret_pin) == 0)
        return 0;
    if (!source)
        return p11_error_text(error, P11_LOCKED,
                              "waiting for the PIN: the token's URI has no pin-source");
    const char *warning = login_warning(token->info.flags);
    if (warning)
        return p11_error_text(error, P11_LOCKED, "%s: not trying the PIN file again", warning);
    int r = pin_fetch(source, ret_pin, error);
    if (r < 0 || !was_refused(token, ret_pin))
        return r;
    secret_wipe(ret_pin);
    return p11_error_text(error, P11_LOCKED, "the token refused the PIN");
}

static bool is_pin_error(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED || rv == CKR_PIN_LOCKED || rv == CKR_USER_PIN_NOT_INITIALIZED;
}

/* Whether the PIN is entered at the device: where the configuration says so, or where the device
 * can do it and the person that we would ask is there. */
static bool asks_itself(const struct token *token)
{
    return token->login == TOKEN_LOGIN_PROTECTED ||
           (token->ask_pin && !p11_kit_uri_get_pin_source(token->uri) &&
            token->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH);
}

/* `pin` stays empty where the device asks. *ret_given: nobody could log in again without him who
 * gave the PIN. */
static int choose_pin(struct token *token, struct secret *ret_pin, bool *ret_given,
                      struct p11_error *error)
{
    bool given = token->unlocking && token->given_pin.data;
    if (asks_itself(token) && given)
        return p11_error_text(error, P11_LOCKED, "the PIN is entered at the device, not here");
    *ret_given = given;
    if (asks_itself(token))
        return 0;
    return token->unlocking ? get_administrators_pin(token, ret_pin, error)
                            : get_pin(token, ret_pin, error);
}

static int log_in(struct token *token, struct p11_error *error)
{
    _cleanup_secret_ struct secret pin = {0};
    CK_FUNCTION_LIST *fn = token->module->fn;
    bool given = false;
    int r = choose_pin(token, &pin, &given, error);
    if (r < 0)
        return r;
    token->asked_for = token->unlocking;
    token->unlocking = false;
    watch_allow(asks_itself(token) ? LOGIN_PERSON_MS : 0);
    CK_RV rv = fn->C_Login(token->anchor, CKU_USER, pin.data, pin.length);
    watch_beat();
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
        forget_refused(token);
        token->by_hand = given;
        return 0;
    }
    if (!is_pin_error(rv))
        return p11_error_call(error, P11_UNAVAILABLE, "C_Login", rv);
    remember_refused(token, &pin);
    fn->C_GetTokenInfo(token->slot, &token->info); /* how it stands after that */
    return p11_error_call(error, P11_LOCKED, "C_Login", rv);
}

int login_run(struct token *token, struct p11_error *error)
{
    if (token->held && !token->unlocking)
        return p11_error_text(error, P11_LOCKED, "an administrator has locked it");
    bool wants_none = token->login == TOKEN_LOGIN_NONE || !(token->info.flags & CKF_LOGIN_REQUIRED);
    int r = wants_none ? 0 : log_in(token, error);
    if (r == 0)
        token->held = false;
    return r;
}
