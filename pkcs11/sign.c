/* One signature: a session, two calls, and what to do when they fail. */
#include "config.h"
#include "pkcs11/sign.h"
#include "pkcs11/prober.h"

static int call_error(struct p11_error *error, const char *call, CK_RV rv)
{
    int code = p11_rv_rung(rv) != P11_RUNG_NONE ? P11_UNAVAILABLE : P11_FAILED;
    if (rv == CKR_KEY_SIZE_RANGE || rv == CKR_KEY_TYPE_INCONSISTENT ||
        rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_MECHANISM_INVALID)
        code = P11_KEY;
    return p11_error_call(error, code, call, rv);
}

int sign_on_session(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                    const struct mech *mech, const void *data, size_t length,
                    unsigned char signature[static MECH_SIGNATURE_MAX], struct p11_error *error)
{
    CK_MECHANISM mechanism = {mech->mechanism, NULL, 0};
    CK_RV rv = fn->C_SignInit(session, &mechanism, handle);
    if (rv != CKR_OK)
        return call_error(error, "C_SignInit", rv);
    CK_ULONG signature_len = MECH_SIGNATURE_MAX;
    rv = fn->C_Sign(session, (CK_BYTE_PTR)data, length, signature, &signature_len);
    if (rv != CKR_OK)
        return call_error(error, "C_Sign", rv);
    if (signature_len != mech->signature_len)
        return p11_error_text(error, P11_FAILED, "C_Sign gave %lu bytes where %s has %zu",
                              (unsigned long)signature_len, mech->algorithm, mech->signature_len);
    return 0;
}

/* What is to be signed, and by whom. */
struct job {
    const struct mech *mech;
    const void *data;
    size_t length;
    unsigned hint;
    unsigned char *signature;
};

/* With the module entered. On an error *ret_rung says what it takes to recover. */
static int sign_inside(const struct job *job, struct token *token, uint64_t generation,
                       CK_OBJECT_HANDLE handle, enum p11_rung *ret_rung, struct p11_error *error)
{
    CK_FUNCTION_LIST *fn = token->module->fn;
    struct session *session;
    int r = session_take(&token->sessions, fn, token->slot, generation, job->hint, &session, error);
    if (r == 0) {
        r = sign_on_session(fn, session->handle, handle, job->mech, job->data, job->length,
                            job->signature, error);
        if (r == 0)
            session_return(&token->sessions, session);
        else
            session_discard(&token->sessions, fn, session);
    }
    if (r < 0)
        *ret_rung = error->call ? p11_rv_rung(error->rv) : P11_RUNG_NONE;
    return r;
}

/* One try at one home. *ret_generation is the generation it was made in, 0 when the key cannot be
 * used here now. */
static int try_home(const struct job *job, struct key_home *home, uint64_t *ret_generation,
                    enum p11_rung *ret_rung, struct p11_error *error)
{
    struct module *module = home->token->module;
    *ret_rung = P11_RUNG_NONE;
    *ret_generation = module_enter(module);
    if (*ret_generation == 0)
        return p11_error_text(error, P11_UNAVAILABLE, "token %s is down", home->token->name);
    int r;
    if (atomic_load(&home->generation) != *ret_generation) {
        *ret_generation = 0;
        r = p11_error_text(error, P11_UNAVAILABLE, "the key is not on token %s", home->token->name);
    } else if (module->one_caller) {
        pthread_mutex_lock(&module->turn);
        r = sign_inside(job, home->token, *ret_generation, home->handle, ret_rung, error);
        pthread_mutex_unlock(&module->turn);
    } else {
        r = sign_inside(job, home->token, *ret_generation, home->handle, ret_rung, error);
    }
    module_leave(module);
    return r;
}

/* Tries a home, once more with a fresh session where the first one failed, and tells the prober
 * when that was not enough. */
static int sign_at(const struct job *job, struct key_home *home, struct p11_error *error)
{
    uint64_t generation;
    enum p11_rung rung;
    int r = try_home(job, home, &generation, &rung, error);
    if (r < 0 && rung == P11_RUNG_SESSION) {
        r = try_home(job, home, &generation, &rung, error);
        if (r < 0 && rung == P11_RUNG_SESSION)
            rung = P11_RUNG_LOGIN;
    }
    if (r < 0 && rung > P11_RUNG_SESSION)
        prober_want(home->token->prober, rung, generation);
    return r;
}

/* The homes in order, the next one where one is not available. */
static int sign_anywhere(const struct job *job, struct key *key, struct p11_error *error)
{
    int r = p11_error_text(error, P11_UNAVAILABLE, "the key is not ready");
    for (size_t i = 0; i < key->home_count && atomic_load(&key->ready); i++) {
        r = sign_at(job, &key->homes[i], error);
        if (r != P11_UNAVAILABLE && r != P11_BUSY)
            break;
    }
    return r;
}

/* Waits for the tokens that are being recovered. Returns whether another try may help. */
static bool wait_for_recovery(struct key *key)
{
    for (size_t i = 0; i < key->home_count; i++)
        if (prober_wait(key->homes[i].token->prober, SIGN_RECOVERY_WAIT_MS))
            return true;
    return false;
}

/* Which of the reasons for having no home a caller should hear. */
static int no_home(struct key *key, struct p11_error *error)
{
    for (size_t i = 0; i < key->home_count; i++)
        if (token_get_state(key->homes[i].token, NULL, 0) == TOKEN_LOCKED)
            return p11_error_text(error, P11_LOCKED, "token %s is locked",
                                  key->homes[i].token->name);
    for (size_t i = 0; i < key->home_count; i++)
        if (token_get_state(key->homes[i].token, NULL, 0) == TOKEN_DOWN)
            return P11_UNAVAILABLE;
    return atomic_load(&key->ready) ? P11_UNAVAILABLE
                                    : p11_error_text(error, P11_KEY, "the key is not ready");
}

int sign_run(struct key *key, const void *data, size_t length, unsigned hint,
             unsigned char signature[static MECH_SIGNATURE_MAX], struct p11_error *error)
{
    struct job job = {key->mech, data, length, hint, signature};
    int r = sign_anywhere(&job, key, error);
    if (r == P11_UNAVAILABLE && wait_for_recovery(key))
        r = sign_anywhere(&job, key, error);
    if (r == P11_UNAVAILABLE)
        r = no_home(key, error);
    return r;
}
