/* One signature: a session, two calls, and what to do when they fail. */
#include "config.h"
#include "pkcs11/sign.h"
#include "pkcs11/prober.h"

#include <string.h>

static int call_error(struct p11_error *error, const char *call, CK_RV rv)
{
    int code = p11_rv_rung(rv) != P11_RUNG_NONE ? P11_UNAVAILABLE : P11_FAILED;
    if (rv == CKR_KEY_SIZE_RANGE || rv == CKR_KEY_TYPE_INCONSISTENT ||
        rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_MECHANISM_INVALID)
        code = P11_KEY;
    return p11_error_call(error, code, call, rv);
}

/* What C_Sign is given: the data itself, or its hash in the form that the mechanism takes. */
struct input {
    const void *data;
    size_t length;
    unsigned char hash[MECH_DIGEST_INFO_LEN + CRYPTO_DIGEST_MAX];
};

static int prepare(const struct signing *signing, const void *data, size_t length,
                   struct input *ret_input, struct p11_error *error)
{
    const struct mech_hash *hash = mech_hash_at(signing->mech->digest);
    size_t prefix = signing->mech->family == MECH_RSA_PKCS1 ? MECH_DIGEST_INFO_LEN : 0;
    ret_input->data = data;
    ret_input->length = length;
    if (!signing->prehashed)
        return 0;
    memcpy(ret_input->hash, hash->digest_info, prefix);
    if (!crypto_digest(signing->crypto, signing->mech, data, length, ret_input->hash + prefix))
        return p11_error_text(error, P11_FAILED, "OpenSSL cannot hash");
    ret_input->data = ret_input->hash;
    ret_input->length = prefix + hash->length;
    return 0;
}

int sign_on_session(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                    const struct signing *signing, const void *data, size_t length,
                    unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
                    struct p11_error *error)
{
    const struct mech *mech = signing->mech;
    const struct mech_hash *hash = mech_hash_at(mech->digest);
    CK_RSA_PKCS_PSS_PARAMS pss = {hash->mechanism, hash->mgf, hash->length};
    CK_MECHANISM mechanism = {signing->prehashed ? mech->prehashed : mech->mechanism, NULL, 0};
    if (mech->family == MECH_RSA_PSS) {
        mechanism.pParameter = &pss;
        mechanism.ulParameterLen = sizeof pss;
    }
    struct input input;
    int r = prepare(signing, data, length, &input, error);
    if (r < 0)
        return r;
    CK_RV rv = fn->C_SignInit(session, &mechanism, handle);
    if (rv != CKR_OK)
        return call_error(error, "C_SignInit", rv);
    CK_ULONG signature_len = MECH_SIGNATURE_MAX;
    rv = fn->C_Sign(session, (CK_BYTE_PTR)input.data, input.length, signature, &signature_len);
    if (rv != CKR_OK)
        return call_error(error, "C_Sign", rv);
    if (signature_len > MECH_SIGNATURE_MAX ||
        (mech->signature_len && signature_len != mech->signature_len))
        return p11_error_text(error, P11_FAILED, "C_Sign gave %lu bytes where %s has %zu",
                              (unsigned long)signature_len, mech->algorithm, mech->signature_len);
    *ret_length = signature_len;
    return 0;
}

/* What is to be signed, and by whom. */
struct job {
    struct key *key;
    const void *data;
    size_t length;
    unsigned hint;
    unsigned char *signature;
    size_t signature_len;
};

/* With the module entered. On an error *ret_rung says what it takes to recover. */
static int sign_inside(struct job *job, const struct key_home *home, uint64_t generation,
                       enum p11_rung *ret_rung, struct p11_error *error)
{
    struct token *token = home->token;
    struct signing signing = {job->key->mech, job->key->crypto, home->prehashed};
    CK_FUNCTION_LIST *fn = token->module->fn;
    struct session *session;
    int r = session_take(&token->sessions, fn, token->slot, generation, job->hint, &session, error);
    if (r == 0) {
        r = sign_on_session(fn, session->handle, home->handle, &signing, job->data, job->length,
                            job->signature, &job->signature_len, error);
        if (r == 0)
            session_return(&token->sessions, session);
        else
            session_discard(&token->sessions, fn, session);
    }
    if (r < 0)
        *ret_rung = error->call ? p11_rv_rung(error->rv) : P11_RUNG_NONE;
    return r;
}

/* A wrong signature never leaves. */
static int check_signature(const struct job *job, const struct token *token,
                           enum p11_rung *ret_rung, struct p11_error *error)
{
    const struct key *key = job->key;
    if (!key->public_key || (!mech_is_rsa(key->mech) && !key->verify) ||
        crypto_verify(job->key->crypto, key->mech, key->public_key, job->data, job->length,
                      job->signature, job->signature_len))
        return 0;
    *ret_rung = P11_RUNG_SESSION;
    return p11_error_text(error, P11_UNAVAILABLE, "token %s gave a wrong signature", token->name);
}

/* One try at one home. *ret_generation is the generation it was made in, 0 when the key cannot be
 * used here now. */
static int try_home(struct job *job, struct key_home *home, uint64_t *ret_generation,
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
        r = sign_inside(job, home, *ret_generation, ret_rung, error);
        pthread_mutex_unlock(&module->turn);
    } else {
        r = sign_inside(job, home, *ret_generation, ret_rung, error);
    }
    module_leave(module);
    return r == 0 ? check_signature(job, home->token, ret_rung, error) : r;
}

/* Tries a home, once more with a fresh session where the first one failed, and tells the prober
 * when that was not enough. */
static int sign_at(struct job *job, struct key_home *home, struct p11_error *error)
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
static int sign_anywhere(struct job *job, struct key *key, struct p11_error *error)
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

int sign_why_not(struct key *key, struct p11_error *error)
{
    const struct token *down = NULL;
    for (size_t i = 0; i < key->home_count; i++) {
        struct token *token = key->homes[i].token;
        enum token_state state = token_get_state(token, NULL, 0);
        if (state == TOKEN_LOCKED)
            return p11_error_text(error, P11_LOCKED, "token %s is locked", token->name);
        if (state == TOKEN_DOWN)
            down = token;
    }
    if (down)
        return p11_error_text(error, P11_UNAVAILABLE, "token %s is down", down->name);
    return p11_error_text(error, P11_KEY, "the key is not ready");
}

int sign_run(struct key *key, const void *data, size_t length, unsigned hint,
             unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
             struct p11_error *error)
{
    struct job job = {key, data, length, hint, signature, 0};
    int r = sign_anywhere(&job, key, error);
    if (r == P11_UNAVAILABLE && wait_for_recovery(key))
        r = sign_anywhere(&job, key, error);
    if (r == P11_UNAVAILABLE && !atomic_load(&key->ready))
        r = sign_why_not(key, error);
    if (r == 0)
        *ret_length = job.signature_len;
    return r;
}
