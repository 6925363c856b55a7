/* One signature on whichever home of the key answers, and what to do when none does. */
#include "config.h"
#include "pkcs11/sign.h"
#include "pkcs11/examine.h"
#include "pkcs11/prober.h"
#include "pkcs11/signature.h"
#include "pkcs11/watch.h"

#include <string.h>

/* What is to be signed, and by whom. */
struct job {
    struct key *key;
    const void *data;
    size_t length;
    bool hashed; /* `data` is the hash of what is signed */
    unsigned hint;
    unsigned char *signature;
    size_t signature_len;
};

/* A wrong signature never leaves, and the session that gave it is not trusted again. */
static int check_signature(const struct job *job, const struct token *token,
                           struct p11_error *error)
{
    const struct key *key = job->key;
    if (!key->public_key || (!mech_is_rsa(key->mech) && !key->verify))
        return 0;
    if (job->hashed ? crypto_verify_hash(key->crypto, key->mech, key->public_key, job->data,
                                         job->signature, job->signature_len)
                    : crypto_verify(key->crypto, key->mech, key->public_key, job->data, job->length,
                                    job->signature, job->signature_len))
        return 0;
    return p11_error_text(error, P11_UNAVAILABLE, "token %s gave a wrong signature", token->name);
}

/* Where calls of the module take turns, one that hangs lets no other through: nobody queues up
 * behind it. */
static bool take_turn(const struct token *token)
{
    struct module *module = token->module;
    int64_t since;
    long wait = session_pool_slow(&token->sessions, watch_awake(), &since) ? 0 : SESSION_WAIT_MS;
    return module_take_turn(module, wait);
}

/* With the module entered. On an error *ret_rung says what it takes to recover. */
static int sign_inside(struct job *job, const struct key_home *home, uint64_t generation,
                       enum p11_rung *ret_rung, struct p11_error *error)
{
    struct token *token = home->token;
    struct signing signing = {job->key->mech, job->key->crypto, home->prehashed, job->hashed};
    CK_FUNCTION_LIST *fn = token->module->fn;
    struct session *session;
    if (!take_turn(token))
        return p11_error_text(error, P11_BUSY, "token %s bears one call at a time", token->name);
    int r = session_take(&token->sessions, fn, token->slot, generation, job->hint, &session, error);
    if (r == 0) {
        r = signature_make(fn, session->handle, home->handle, &signing, job->data, job->length,
                           job->signature, &job->signature_len, error);
        if (r == 0)
            r = check_signature(job, token, error);
        if (r == 0 || r == P11_DATA) /* the token has read the data, which ended the operation */
            session_return(&token->sessions, session);
        else
            session_discard(&token->sessions, fn, session);
    }
    module_end_turn(token->module);
    if (r < 0 && error->call)
        *ret_rung = p11_rv_rung(error->rv);
    else if (r == P11_UNAVAILABLE)
        *ret_rung = P11_RUNG_SESSION;
    return r;
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
    } else if (module_is_full(module)) {
        r = p11_error_text(error, P11_BUSY, "too many calls of module %s are under way",
                           module_name(module));
    } else {
        r = sign_inside(job, home, *ret_generation, ret_rung, error);
    }
    module_leave(module);
    return r;
}

/* Once more, after an error. Many a token says of data that are too long what it says when it is
 * broken: where its key signs what is known between two such errors, they are about the data. A
 * hash always has its length. */
static int try_beside_known(struct job *job, struct key_home *home, enum p11_rung *rung,
                            struct p11_error *error)
{
    unsigned char signature[MECH_SIGNATURE_MAX];
    struct job known = {.key = job->key,
                        .data = EXAMINE_QUESTION,
                        .length = sizeof EXAMINE_QUESTION - 1,
                        .hint = job->hint,
                        .signature = signature};
    struct p11_error first = *error, other;
    uint64_t generation;
    enum p11_rung its;
    if (atomic_load(&home->prehashed) || !first.call || strcmp(first.call, "C_Sign") != 0 ||
        try_home(&known, home, &generation, &its, &other) < 0)
        return first.code;
    int r = try_home(job, home, &generation, rung, error);
    if (r == 0 || error->rv != first.rv)
        return r;
    *rung = P11_RUNG_NONE;
    return error->code = P11_DATA;
}

/* Tries a home, once more with a fresh session where the first one failed, and tells the prober
 * when that was not enough. */
static int sign_at(struct job *job, struct key_home *home, struct p11_error *error)
{
    uint64_t generation;
    enum p11_rung rung;
    int r = try_home(job, home, &generation, &rung, error);
    bool failed = r < 0 && r != P11_BUSY && generation != 0;
    if (r < 0 && rung == P11_RUNG_SESSION) {
        atomic_fetch_add(&home->token->module->climbed[P11_RUNG_SESSION], 1);
        r = try_home(job, home, &generation, &rung, error);
        if (r < 0 && rung == P11_RUNG_SESSION)
            r = try_beside_known(job, home, &rung, error);
        if (r < 0 && rung == P11_RUNG_SESSION)
            rung = P11_RUNG_LOGIN;
    }
    if (failed && r != P11_DATA)
        prober_doubt(home->token->prober, home);
    if (r < 0 && rung > P11_RUNG_SESSION)
        prober_want(home->token->prober, rung, generation);
    return r;
}

/* The homes in order, until one has signed. One that is busy counts for more than another that is
 * not there. */
static int sign_anywhere(struct job *job, struct key *key, struct p11_error *error)
{
    int r = P11_UNAVAILABLE;
    size_t tried = 0;
    for (; r < 0 && tried < key->home_count && atomic_load(&key->ready); tried++) {
        struct p11_error failure;
        int code = sign_at(job, &key->homes[tried], &failure);
        if (r == P11_BUSY && code == P11_UNAVAILABLE)
            continue;
        r = code;
        if (code < 0)
            *error = failure;
    }
    return tried > 0 ? r : p11_error_text(error, r, "the key is not ready");
}

/* Waits for the tokens that are being recovered, for all of them together no longer than for one.
 * Returns whether another try may help. */
static bool wait_for_recovery(struct key *key)
{
    int64_t deadline = watch_now() + SIGN_RECOVERY_WAIT_MS;
    for (size_t i = 0; i < key->home_count; i++)
        if (prober_wait(key->homes[i].token->prober, deadline))
            return true;
    return false;
}

/* Waits for a home whose calls are quick, and which has no room because another module's slow calls
 * have left it few threads. Returns whether another try may help. */
static bool wait_for_room(struct key *key, int64_t deadline)
{
    int64_t awake = watch_awake(), since;
    for (size_t i = 0; i < key->home_count && watch_now() < deadline; i++) {
        struct token *token = key->homes[i].token;
        if (atomic_load(&key->homes[i].generation) != 0 &&
            session_pool_slow(&token->sessions, awake, &since) == 0 &&
            module_wait_for_room(token->module, deadline))
            return true;
    }
    return false;
}

static int sign_when_there_is_room(struct job *job, struct key *key, struct p11_error *error)
{
    int64_t deadline = watch_now() + SESSION_WAIT_MS;
    int r = P11_BUSY;
    while (r == P11_BUSY && wait_for_room(key, deadline))
        r = sign_anywhere(job, key, error);
    return r;
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

static int run(struct job *job, size_t *ret_length, struct p11_error *error)
{
    struct key *key = job->key;
    int r = sign_anywhere(job, key, error);
    if (r == P11_BUSY)
        r = sign_when_there_is_room(job, key, error);
    if (r == P11_UNAVAILABLE && wait_for_recovery(key))
        r = sign_anywhere(job, key, error);
    if (r == P11_UNAVAILABLE && !atomic_load(&key->ready))
        r = sign_why_not(key, error);
    if (r == 0)
        *ret_length = job->signature_len;
    return r;
}

int sign_run(struct key *key, const void *data, size_t length, unsigned hint,
             unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
             struct p11_error *error)
{
    struct job job = {key, data, length, false, hint, signature, 0};
    return run(&job, ret_length, error);
}

int sign_hash(struct key *key, const unsigned char *hash, unsigned hint,
              unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
              struct p11_error *error)
{
    size_t length = mech_hash_at(key->mech->digest)->length;
    struct job job = {key, hash, length, true, hint, signature, 0};
    return run(&job, ret_length, error);
}
