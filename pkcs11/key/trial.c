/* Tries what a token can do: nothing is believed that has not been done. */
#include "config.h"
#include "pkcs11/key/trial.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/signer.h"
#include "pkcs11/key/unwrap.h"
#include "pkcs11/public.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define KEY_LEN      64 /* bytes; serves every HMAC algorithm */
#define LONG_KEY_LEN 1000
#define LABEL        "hintsign-key probe"
#define SESSIONS_MAX 64
#define RANDOM_MAX   256 /* bytes that getrandom gives at once, whole */

double trial_now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void add_failure(const struct trial *trial, const char *name, const struct p11_error *error)
{
    report_add_failure(trial->report, trial->token, name, error);
}

static int name_key(struct newkey_name *ret_name, struct p11_error *error)
{
    int r = newkey_name(LABEL, NULL, 0, ret_name, error);
    ret_name->session = true;
    return r;
}

/* What is left vanishes with the session; that it could not be destroyed is a result all the
 * same. */
static void destroy(const struct trial *trial, const struct newkey *newkey)
{
    struct p11_error error;
    if (newkey_destroy(newkey, &error) < 0)
        add_failure(trial, "destroy", &error);
}

/* What `list` and the rules for keys have to go by. */
static void add_attributes(const struct trial *trial, const char *type, const struct object *object)
{
    char name[REPORT_NAME_MAX], untold[P11_ERROR_TEXT_MAX];
    snprintf(name, sizeof name, "attributes of %s", type);
    object_untold(object, untold, sizeof untold);
    report_add(trial->report, name, true, 0, "%s%s", untold[0] ? "not told: " : "all are told",
               untold);
}

/* --- secret keys --- */

static int random_secret(size_t length, struct secret *ret_secret, struct p11_error *error)
{
    if (secret_reserve(ret_secret, length) < 0)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    for (size_t i = 0; i < length; i += RANDOM_MAX)
        if (getrandom(ret_secret->data + i, length - i < RANDOM_MAX ? length - i : RANDOM_MAX, 0) <
            0)
            return p11_error_text(error, P11_FAILED, "the system gives no random bytes");
    return 0;
}

static void try_hmac(const struct trial *trial, const struct mech *mech)
{
    _cleanup_secret_ struct secret secret = {0};
    struct newkey_name name;
    struct newkey newkey;
    struct p11_error error;
    char title[REPORT_NAME_MAX];
    snprintf(title, sizeof title, "create key for %s", mech->algorithm);
    int r = random_secret(KEY_LEN, &secret, &error);
    if (r == 0)
        r = name_key(&name, &error);
    double start = trial_now_us();
    if (r == 0)
        r = newkey_import(trial->token, &name, mech, &secret, &newkey, &error);
    if (r != 0) {
        add_failure(trial, title, &error);
        return;
    }
    report_add(trial->report, title, true, trial_now_us() - start, "%s",
               newkey.object.key_type == CKK_GENERIC_SECRET ? "a generic secret"
                                                            : "a key of the type of its hash");
    snprintf(title, sizeof title, "key for %s", mech->algorithm);
    add_attributes(trial, title, &newkey.object);
    signer_try(trial, &(struct signer){newkey.object.handle, mech, &secret, NULL});
    destroy(trial, &newkey);
}

void trial_hmac(const struct trial *trial)
{
    for (size_t i = 0; mech_at(i); i++)
        if (mech_at(i)->family == MECH_HMAC)
            try_hmac(trial, mech_at(i));
}

/* --- pairs --- */

/* The smallest key of each kind that algorithms need. */
static const struct kind {
    const char *type;  /* as keyspec_find takes it */
    const char *curve; /* NULL: RSA */
} kinds[] = {
    {"rsa:2048", NULL},    {"ec:P-256", "P-256"},  {"ec:P-384", "P-384"},
    {"ec:P-521", "P-521"}, {"ed25519", "Ed25519"},
};

static bool serves(const struct kind *kind, const struct mech *mech)
{
    if (!kind->curve)
        return mech_is_rsa(mech);
    return mech->curve && strcmp(mech->curve, kind->curve) == 0;
}

static int read_public(const struct trial *trial, const struct newkey *newkey,
                       const struct mech *mech, EVP_PKEY **ret_key, struct p11_error *error)
{
    CK_FUNCTION_LIST *fn = trial->token->module->fn;
    struct object object;
    int r = object_read(fn, trial->token->anchor, newkey->public_half, &object, error);
    return r == 0
               ? public_read(trial->crypto, fn, trial->token->anchor, &object, mech, ret_key, error)
               : r;
}

static void try_pair(const struct trial *trial, const struct newkey *newkey,
                     const struct mech *mech)
{
    struct signer signer = {newkey->object.handle, mech, NULL, NULL};
    struct p11_error error;
    char name[REPORT_NAME_MAX];
    if (read_public(trial, newkey, mech, &signer.public_key, &error) == 0) {
        signer_try(trial, &signer);
    } else {
        snprintf(name, sizeof name, "sign %s", mech->algorithm);
        add_failure(trial, name, &error);
    }
    EVP_PKEY_free(signer.public_key);
}

/* Adds the result. Returns whether there is a key. */
static bool generate(const struct trial *trial, const char *type, struct newkey *ret_newkey)
{
    struct newkey_name name;
    struct p11_error error;
    char title[REPORT_NAME_MAX];
    snprintf(title, sizeof title, "generate %s", type);
    int r = name_key(&name, &error);
    double start = trial_now_us();
    if (r == 0)
        r = newkey_generate(trial->token, &name, keyspec_find(type), ret_newkey, &error);
    if (r != 0) {
        add_failure(trial, title, &error);
        return false;
    }
    report_add(trial->report, title, true, trial_now_us() - start, "protected");
    add_attributes(trial, type, &ret_newkey->object);
    return true;
}

void trial_generate(const struct trial *trial)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct newkey newkey;
        if (!generate(trial, kinds[i].type, &newkey))
            continue;
        for (size_t k = 0; mech_at(k); k++)
            if (serves(&kinds[i], mech_at(k)))
                try_pair(trial, &newkey, mech_at(k));
        destroy(trial, &newkey);
    }
}

/* --- wrapped keys --- */

/* Whether the token gets the key that was wrapped shows in what it signs. */
static int try_wrapped(const struct trial *trial, const struct object *pair, const struct kek *kek,
                       size_t key_len, double *ret_us, struct p11_error *error)
{
    _cleanup_secret_ struct secret secret = {0};
    const struct mech *mech = mech_find("HS256");
    struct wrapped wrapped;
    struct newkey_name name;
    struct newkey newkey;
    int r = random_secret(key_len, &secret, error);
    if (r == 0)
        r = wrapped_make(kek, &secret, &wrapped, error);
    if (r == 0)
        r = name_key(&name, error);
    if (r < 0)
        return r;
    wrapped.mech = mech;
    double start = trial_now_us(), us;
    r = unwrap_run(trial->token, &name, pair, &wrapped, &newkey, error);
    *ret_us = trial_now_us() - start;
    if (r < 0)
        return r;
    r = signer_sign(trial, &(struct signer){newkey.object.handle, mech, &secret, NULL}, false, &us,
                    error);
    destroy(trial, &newkey);
    return r;
}

static void try_hash(const struct trial *trial, const struct object *pair, struct kek *kek)
{
    static const struct way {
        const char *suffix;
        size_t key_len;
    } ways[] = {{"", KEY_LEN}, {", AES", LONG_KEY_LEN}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char name[REPORT_NAME_MAX];
        struct p11_error error;
        double us;
        snprintf(name, sizeof name, "unwrap OAEP %s%s", kek->hash->name, ways[i].suffix);
        if (try_wrapped(trial, pair, kek, ways[i].key_len, &us, &error) == 0)
            report_add(trial->report, name, true, us, "the right key");
        else
            add_failure(trial, name, &error);
    }
}

void trial_unwrap(const struct trial *trial)
{
    struct newkey newkey;
    if (!generate(trial, "wrap:rsa:2048", &newkey))
        return;
    _cleanup_kek_ struct kek kek = {0};
    struct p11_error error;
    if (kek_read_token(trial->token, &newkey.object, &kek, &error) == 0)
        for (size_t i = 0; (kek.hash = kek_hash_at(i)); i++)
            try_hash(trial, &newkey.object, &kek);
    else
        add_failure(trial, "unwrap", &error);
    destroy(trial, &newkey);
}

/* --- sessions --- */

static void describe_limit(CK_ULONG limit, char *text, size_t size)
{
    if (limit == CK_UNAVAILABLE_INFORMATION || limit == CK_EFFECTIVELY_INFINITE)
        snprintf(text, size, "%s", limit ? "does not tell" : "any number");
    else
        snprintf(text, size, "%lu", limit);
}

void trial_sessions(const struct trial *trial)
{
    const struct token *token = trial->token;
    CK_FUNCTION_LIST *fn = token->module->fn;
    CK_SESSION_HANDLE sessions[SESSIONS_MAX];
    size_t count = 0, left = 0;
    char limit[32];
    CK_RV rv = CKR_OK;
    double start = trial_now_us();
    while (count < SESSIONS_MAX && rv == CKR_OK) {
        rv = fn->C_OpenSession(token->slot, token->sessions.flags, NULL, NULL, &sessions[count]);
        count += rv == CKR_OK;
    }
    double us = count ? (trial_now_us() - start) / (double)count : 0;
    for (size_t i = 0; i < count; i++)
        left += fn->C_CloseSession(sessions[i]) != CKR_OK;
    describe_limit(token->info.ulMaxSessionCount, limit, sizeof limit);
    /* One more is open all the time: the one that all else is tried with. */
    if (left > 0)
        report_add(trial->report, "sessions", false, us, "%zu of %zu could not be closed", left,
                   count);
    else
        report_add(trial->report, "sessions", true, us, "%zu at once%s; the token says: %s",
                   count + 1, count == SESSIONS_MAX ? ", or more" : "", limit);
}
