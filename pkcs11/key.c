/* Keys and their homes: finds each key by a token's index and decides whether it may be used. */
#include "config.h"
#include "pkcs11/key.h"
#include "pkcs11/examine.h"
#include "pkcs11/use.h"
#include "pkcs11/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int keyring_new(const struct crypto *crypto, struct token **tokens, size_t token_count,
                struct keyring **ret_keyring, struct p11_error *error)
{
    static _Atomic uint64_t serials;
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (!keyring)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    keyring->serial = atomic_fetch_add(&serials, 1) + 1;
    atomic_store(&keyring->references, 1);
    pthread_mutex_init(&keyring->lock, NULL);
    keyring->crypto = crypto;
    keyring->tokens = tokens;
    keyring->token_count = token_count;
    *ret_keyring = keyring;
    return 0;
}

struct keyring *keyring_ref(struct keyring *keyring)
{
    atomic_fetch_add(&keyring->references, 1);
    return keyring;
}

static void key_free(struct key *key)
{
    if (!key)
        return;
    p11_kit_uri_free(key->uri);
    EVP_PKEY_free(key->public_key);
    free(key->homes);
    free(key);
}

void keyring_unref(struct keyring *keyring)
{
    if (!keyring || atomic_fetch_sub(&keyring->references, 1) > 1)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        key_free(keyring->keys[i]);
    free(keyring->keys);
    pthread_mutex_destroy(&keyring->lock);
    free(keyring);
}

static int parse_uri(const char *text, P11KitUri *uri, struct p11_error *error)
{
    int r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    if (r != P11_KIT_URI_OK)
        return p11_error_text(error, P11_INVALID, "not a PKCS#11 URI: %s", p11_kit_uri_message(r));
    if (p11_kit_uri_any_unrecognized(uri) || p11_kit_uri_get_pin_value(uri) ||
        p11_kit_uri_get_pin_source(uri) || p11_kit_uri_get_module_path(uri) ||
        p11_kit_uri_get_module_name(uri) || p11_kit_uri_get_attribute(uri, CKA_CLASS) ||
        p11_kit_uri_get_slot_id(uri) != (CK_SLOT_ID)-1)
        return p11_error_text(error, P11_INVALID,
                              "the URI of a key names object=, id= and its token, nothing else");
    if (!p11_kit_uri_get_attribute(uri, CKA_LABEL) && !p11_kit_uri_get_attribute(uri, CKA_ID))
        return p11_error_text(error, P11_INVALID,
                              "the URI names no key: object= or id= is missing");
    return 0;
}

int key_check_uri(const char *uri, struct p11_error *error)
{
    P11KitUri *parsed = p11_kit_uri_new();
    int r =
        parsed ? parse_uri(uri, parsed, error) : p11_error_text(error, P11_MEMORY, "out of memory");
    p11_kit_uri_free(parsed);
    return r;
}

static int key_new(const struct keyring *keyring, const char *uri, const struct mech *mech,
                   struct key **ret_key, struct p11_error *error)
{
    struct key *key = calloc(1, sizeof *key);
    if (!key)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    key->mech = mech;
    key->crypto = keyring->crypto;
    key->uri = p11_kit_uri_new();
    key->home_count = keyring->token_count;
    key->homes = calloc(keyring->token_count, sizeof *key->homes);
    int r = 0;
    if (!key->uri || !key->homes)
        r = p11_error_text(error, P11_MEMORY, "out of memory");
    if (r == 0)
        r = parse_uri(uri, key->uri, error);
    if (r < 0) {
        key_free(key);
        return r;
    }
    for (size_t i = 0; i < key->home_count; i++) {
        key->homes[i].token = keyring->tokens[i];
        snprintf(key->homes[i].reason, KEY_REASON_MAX, "not looked for yet");
    }
    *ret_key = key;
    return 0;
}

int keyring_add(struct keyring *keyring, const char *uri, const struct mech *mech,
                struct key **ret_key, struct p11_error *error)
{
    if (keyring->count == keyring->size) {
        size_t size = keyring->size ? keyring->size * 2 : 16;
        struct key **keys = reallocarray(keyring->keys, size, sizeof *keys);
        if (!keys)
            return p11_error_text(error, P11_MEMORY, "out of memory");
        keyring->keys = keys;
        keyring->size = size;
    }
    int r = key_new(keyring, uri, mech, ret_key, error);
    if (r == 0)
        keyring->keys[keyring->count++] = *ret_key;
    return r;
}

/* With the lock held. */
static void name_key(struct key *key, struct finding *finding)
{
    if (atomic_load(&key->named))
        return;
    snprintf(key->label, sizeof key->label, "%s", finding->object->label);
    for (size_t i = 0; i < KEY_DIGEST_HEX / 2; i++)
        snprintf(key->digest + 2 * i, 3, "%02x", finding->identity[i]);
    key->public_key = finding->public_key;
    finding->public_key = NULL;
    atomic_store(&key->named, true);
}

/* What one pass found on a token. */
struct tally {
    bool usable;              /* at least one key */
    struct p11_error failure; /* of a key, where .code is set */
};

/* Whether nobody else looks at what the key signs. */
static bool is_unverified(const struct key *key)
{
    return !mech_is_rsa(key->mech) && !key->verify;
}

/* What was found becomes what is known. With the lock held. Signers read `handle`: it is written
 * only where it changes, which is while the home is of no generation. */
static void take_over(struct key *key, struct key_home *home, struct finding *finding,
                      uint64_t generation)
{
    memcpy(home->reason, finding->reason, sizeof home->reason);
    if (finding->usable) {
        name_key(key, finding);
        memcpy(home->identity, finding->identity, sizeof home->identity);
        home->identified = true;
        if (home->handle != finding->object->handle)
            home->handle = finding->object->handle;
        atomic_store(&home->prehashed, finding->prehashed);
        home->good_at = time(NULL);
    } else if (finding->wrong_answer) {
        home->doubtful = is_unverified(key) ? home->good_at : 0;
        home->good_at = 0;
    }
    home->found_in = finding->usable ? generation : 0;
    home->check_at = finding->usable       ? watch_now() + KEY_CHECK_MS
                     : finding->may_change ? watch_now() + KEY_RETRY_MS
                                           : INT64_MAX;
}

static int resolve_key(struct keyring *keyring, struct key *key, struct key_home *home,
                       uint64_t generation, struct tally *tally, struct p11_error *error)
{
    struct finding finding;
    atomic_store(&home->generation, 0);
    atomic_store(&home->doubted, false);
    int r = examine_key(keyring, key, home, &finding, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&keyring->lock);
    take_over(key, home, &finding, generation);
    pthread_mutex_unlock(&keyring->lock);
    tally->usable |= finding.usable;
    if (finding.failure.code)
        tally->failure = finding.failure;
    finding_clear(&finding);
    return 0;
}

/* Decides whether the key is ready, from all of its homes. With the lock held. */
static void judge(struct key *key)
{
    const struct key_home *first = NULL;
    bool usable = false;
    for (size_t i = 0; i < key->home_count; i++) {
        const struct key_home *home = &key->homes[i];
        usable |= home->found_in != 0;
        if (!home->identified)
            continue;
        if (first && memcmp(first->identity, home->identity, sizeof home->identity) != 0)
            key->contradicted = true;
        first = home;
    }
    atomic_store(&key->ready, usable && !key->contradicted && !atomic_load(&key->other_use));
}

size_t keyring_home(const struct keyring *keyring, const struct token *token)
{
    size_t home = 0;
    while (keyring->tokens[home] != token)
        home++;
    return home;
}

/* With the lock held. */
static int judge_all(struct keyring *keyring, size_t home, uint64_t generation,
                     struct p11_error *error)
{
    int r = use_mark_others(keyring, home, generation, error);
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        judge(key);
        if (r == 0 && atomic_load(&key->ready))
            atomic_store(&key->homes[home].generation, key->homes[home].found_in);
    }
    return r;
}

int keyring_resolve(struct keyring *keyring, struct token *token, uint64_t generation,
                    struct p11_error *error)
{
    size_t home = keyring_home(keyring, token);
    struct tally tally = {0};
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        int r = resolve_key(keyring, key, &key->homes[home], generation, &tally, error);
        if (r < 0)
            return r;
    }
    /* One key that fails beside others that sign is broken; where none signs, the token is. */
    if (tally.failure.code && !tally.usable) {
        *error = tally.failure;
        return P11_UNAVAILABLE;
    }
    pthread_mutex_lock(&keyring->lock);
    int r = judge_all(keyring, home, generation, error);
    pthread_mutex_unlock(&keyring->lock);
    return r;
}

/* A key that answers as before is left alone. */
static int judge_again(struct keyring *keyring, struct key *key, size_t home, uint64_t generation,
                       bool changed, struct p11_error *error)
{
    if (!changed)
        return 0;
    if (key->homes[home].found_in)
        return judge_all(keyring, home, generation, error);
    atomic_store(&key->homes[home].generation, 0);
    judge(key);
    return 0;
}

/* Whether the token is well: another of its keys still signs. */
static bool another_signs(const struct keyring *keyring, const struct key_home *home, size_t where)
{
    for (size_t i = 0; i < keyring->count; i++) {
        const struct key_home *other = &keyring->keys[i]->homes[where];
        struct finding finding = {0};
        struct p11_error error;
        if (!other->found_in || other->handle == home->handle)
            continue;
        int r = examine_key(keyring, keyring->keys[i], other, &finding, &error);
        finding_clear(&finding);
        return r == 0 && finding.usable;
    }
    return false;
}

int keyring_check(struct keyring *keyring, struct key *key, struct key_home *home,
                  uint64_t generation, bool *ret_changed, struct p11_error *error)
{
    struct finding finding;
    size_t where = (size_t)(home - key->homes);
    atomic_store(&home->doubted, false);
    int r = examine_key(keyring, key, home, &finding, error);
    if (r == 0 && finding.failure.code) {
        finding_clear(&finding); /* once is no proof */
        r = examine_key(keyring, key, home, &finding, error);
    }
    if (r == 0 && finding.failure.code && home->found_in && !another_signs(keyring, home, where)) {
        *error = finding.failure;
        r = P11_UNAVAILABLE;
    }
    if (r < 0)
        return r;
    pthread_mutex_lock(&keyring->lock);
    *ret_changed = (home->found_in != 0) != finding.usable;
    take_over(key, home, &finding, generation);
    r = judge_again(keyring, key, where, generation, *ret_changed, error);
    pthread_mutex_unlock(&keyring->lock);
    finding_clear(&finding);
    return r;
}

void keyring_withdraw(struct keyring *keyring, struct token *token, const char *reason)
{
    size_t home = keyring_home(keyring, token);
    pthread_mutex_lock(&keyring->lock);
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        atomic_store(&key->homes[home].generation, 0);
        key->homes[home].found_in = 0;
        snprintf(key->homes[home].reason, KEY_REASON_MAX, "%s", reason);
        judge(key);
    }
    pthread_mutex_unlock(&keyring->lock);
}

static void describe_homes(const struct key *key, char *buffer, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < key->home_count; i++) {
        const char *reason = key->homes[i].reason;
        if (reason[0] == '\0' || length >= size)
            continue;
        length +=
            (size_t)snprintf(buffer + length, size - length, "%s%s", length ? "; " : "", reason);
    }
}

const char *key_reason(struct keyring *keyring, const struct key *key, char *buffer, size_t size)
{
    const struct key *other = atomic_load(&key->other_use);
    buffer[0] = '\0';
    pthread_mutex_lock(&keyring->lock);
    if (key->contradicted)
        snprintf(buffer, size, "the tokens hold different keys of that name");
    else if (key_is_shared(key))
        snprintf(buffer, size,
                 "the same key is used elsewhere: what signs data or checkpoints must "
                 "sign nothing else");
    else if (other)
        snprintf(buffer, size, "the same key is used with %s and %s: one algorithm a key",
                 key->mech->algorithm, other->mech->algorithm);
    else
        describe_homes(key, buffer, size);
    pthread_mutex_unlock(&keyring->lock);
    return buffer;
}

bool key_is_shared(const struct key *key)
{
    const struct key *other = atomic_load(&key->other_use);
    return other && other->owner != key->owner;
}

bool key_is_named(const struct key *key)
{
    return atomic_load(&key->named);
}
