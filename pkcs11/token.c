/* One configured token: finds its slot, opens its sessions, indexes its keys. */
#include "config.h"
#include "pkcs11/token.h"
#include "pkcs11/login.h"
#include "pkcs11/pin.h"
#include "pkcs11/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 1024

static int parse_uri(const char *text, P11KitUri *uri, struct p11_error *error)
{
    int r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (r != P11_KIT_URI_OK)
        return p11_error_text(error, P11_INVALID, "not a PKCS#11 URI: %s", p11_kit_uri_message(r));
    if (p11_kit_uri_any_unrecognized(uri))
        return p11_error_text(error, P11_INVALID, "the URI has an attribute that is not known");
    if (p11_kit_uri_get_pin_value(uri))
        return p11_error_text(error, P11_INVALID,
                              "pin-value is refused: put the PIN into a file and name it with "
                              "pin-source=file:PATH");
    CK_ULONG named;
    p11_kit_uri_get_attributes(uri, &named);
    if (p11_kit_uri_get_slot_id(uri) != (CK_SLOT_ID)-1 || named > 0)
        return p11_error_text(error, P11_INVALID,
                              "the URI names a slot or an object: name the token itself, with "
                              "token= or serial=");
    if (!p11_kit_uri_get_module_path(uri) == !p11_kit_uri_get_module_name(uri))
        return p11_error_text(error, P11_INVALID,
                              "the URI names no module: module-path= or module-name= is needed, "
                              "and only one of them");
    const char *source = p11_kit_uri_get_pin_source(uri);
    return source ? pin_check_source(source, error) : 0;
}

int token_check_uri(const char *uri, struct p11_error *error)
{
    P11KitUri *parsed = p11_kit_uri_new();
    int r =
        parsed ? parse_uri(uri, parsed, error) : p11_error_text(error, P11_MEMORY, "out of memory");
    p11_kit_uri_free(parsed);
    return r;
}

int token_new(const char *name, const char *uri, unsigned max_sessions, enum token_login login,
              struct token **ret_token, struct p11_error *error)
{
    struct token *token = calloc(1, sizeof *token);
    if (!token)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    pthread_mutex_init(&token->lock, NULL);
    token->login = login;
    token->name = strdup(name);
    token->uri = p11_kit_uri_new();
    int r = 0;
    if (!token->name || !token->uri)
        r = p11_error_text(error, P11_MEMORY, "out of memory");
    if (r == 0)
        r = parse_uri(uri, token->uri, error);
    if (r == 0)
        r = session_pool_init(&token->sessions, max_sessions, error);
    if (r < 0) {
        token_free(token);
        return r;
    }
    snprintf(token->detail, sizeof token->detail, "not looked for yet");
    *ret_token = token;
    return 0;
}

void token_free(struct token *token)
{
    if (!token)
        return;
    index_clear(&token->index);
    secret_wipe(&token->given_pin);
    explicit_bzero(token->refused, sizeof token->refused);
    session_pool_free(&token->sessions);
    p11_kit_uri_free(token->uri);
    pthread_mutex_destroy(&token->lock);
    free(token->name);
    free(token);
}

static int list_slots(CK_FUNCTION_LIST *fn, CK_SLOT_ID **ret_slots, CK_ULONG *ret_count,
                      struct p11_error *error)
{
    CK_SLOT_ID *slots = calloc(SLOTS_MAX, sizeof *slots);
    if (!slots)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    CK_ULONG count = SLOTS_MAX;
    watch_beat();
    CK_RV rv = fn->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK) {
        free(slots);
        return p11_error_call(error, P11_UNAVAILABLE, "C_GetSlotList", rv);
    }
    *ret_slots = slots;
    *ret_count = count < SLOTS_MAX ? count : SLOTS_MAX;
    return 0;
}

/* Slots are never named by number: the numbers change. */
int token_find(struct token *token, struct p11_error *error)
{
    token->found = false;
    CK_FUNCTION_LIST *fn = token->module->fn;
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    int r = list_slots(fn, &slots, &count, error);
    if (r < 0)
        return r;
    unsigned matches = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info = {0};
        watch_beat();
        if (fn->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        if (!p11_kit_uri_match_token_info(token->uri, &info) || matches++ > 0)
            continue;
        token->slot = slots[i];
        token->info = info;
    }
    free(slots);
    if (matches == 0)
        return p11_error_text(error, P11_UNAVAILABLE, "no token of %s matches the URI",
                              module_name(token->module));
    if (matches > 1)
        return p11_error_text(error, P11_INVALID, "%u tokens of %s match the URI: name one exactly",
                              matches, module_name(token->module));
    token->found = true;
    return 0;
}

static CK_RV try_anchor(struct token *token, CK_FLAGS more)
{
    token->sessions.flags = CKF_SERIAL_SESSION | more;
    watch_beat();
    return token->module->fn->C_OpenSession(token->slot, token->sessions.flags, NULL, NULL,
                                            &token->anchor);
}

/* Sessions are for reading where that is enough. The module of AWS CloudHSM has none such, and says
 * so with CKR_FUNCTION_FAILED. */
static int open_anchor(struct token *token, struct p11_error *error)
{
    if (token->module->kept) { /* sessions that were forgotten would stay for ever */
        watch_beat();
        token->module->fn->C_CloseAllSessions(token->slot);
    }
    CK_RV rv = try_anchor(token, token->read_write ? CKF_RW_SESSION : 0);
    if (rv == CKR_FUNCTION_FAILED && !token->read_write)
        rv = try_anchor(token, CKF_RW_SESSION);
    if (rv != CKR_OK)
        return p11_error_call(error, P11_UNAVAILABLE, "C_OpenSession", rv);
    return 0;
}

bool token_has_one_session(const struct token *token)
{
    return token->info.ulMaxSessionCount == 1;
}

/* The anchor takes one of the sessions that the token allows. */
static unsigned usable_sessions(const struct token *token)
{
    CK_ULONG allowed = token->info.ulMaxSessionCount;
    if (allowed == CK_UNAVAILABLE_INFORMATION || allowed == CK_EFFECTIVELY_INFINITE ||
        allowed > token->sessions.max)
        return token->sessions.max;
    return allowed > 1 ? (unsigned)allowed - 1 : 1;
}

int token_open(struct token *token, struct p11_error *error)
{
    int r = open_anchor(token, error);
    if (r < 0)
        return r;
    r = login_run(token, error);
    if (r < 0) {
        watch_beat();
        token->module->fn->C_CloseSession(token->anchor);
        return r;
    }
    token->open = true;
    atomic_store(&token->sessions.usable, usable_sessions(token));
    return 0;
}

void token_close(struct token *token)
{
    watch_beat();
    if (token->module->initialized) {
        if (token->held && token->open)
            token->module->fn->C_Logout(token->anchor);
        token->module->fn->C_CloseAllSessions(token->slot);
    }
    token_forget(token);
}

bool token_renew(struct token *token)
{
    CK_FUNCTION_LIST *fn = token->module->fn;
    CK_SESSION_INFO info = {0};
    watch_beat();
    if (!token->open || fn->C_GetSessionInfo(token->anchor, &info) != CKR_OK ||
        (info.state != CKS_RO_USER_FUNCTIONS && info.state != CKS_RW_USER_FUNCTIONS))
        return false;
    if (token_has_one_session(token))
        session_pool_forget(&token->sessions); /* it is the anchor */
    else
        session_pool_close(&token->sessions, fn);
    return true;
}

void token_forget(struct token *token)
{
    session_pool_forget(&token->sessions);
    token->open = false;
}

int token_index(struct token *token, struct p11_error *error)
{
    struct index index;
    int r = index_build(token->module->fn, token->anchor, &index, error);
    if (r < 0)
        return r;
    index_clear(&token->index);
    token->index = index;
    return 0;
}

void token_set_state(struct token *token, enum token_state state, const char *detail)
{
    pthread_mutex_lock(&token->lock);
    token->state = state;
    snprintf(token->detail, sizeof token->detail, "%s", detail ? detail : "");
    pthread_mutex_unlock(&token->lock);
}

enum token_state token_get_state(struct token *token, char *detail, size_t detail_size)
{
    pthread_mutex_lock(&token->lock);
    enum token_state state = token->state;
    if (detail)
        snprintf(detail, detail_size, "%s", token->detail);
    pthread_mutex_unlock(&token->lock);
    return state;
}

const char *token_state_name(enum token_state state)
{
    static const char *const names[] = {
        [TOKEN_DOWN] = "down", [TOKEN_LOCKED] = "locked", [TOKEN_UP] = "up"};
    return names[state];
}
