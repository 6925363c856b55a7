/* Keys and their homes: finds each key by a token's index and decides whether it may be used. */
#include "config.h"
#include "pkcs11/key.h"
#include "pkcs11/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A JWT's signing input has neither blanks nor line ends: this can never be one. */
#define KNOWN_QUESTION "hintsign: known answer\n"

int keyring_new(struct token **tokens, size_t token_count, struct keyring **ret_keyring,
                struct p11_error *error)
{
    static _Atomic uint64_t serials;
    struct keyring *keyring = calloc(1, sizeof *keyring);
    if (!keyring)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    keyring->serial = atomic_fetch_add(&serials, 1) + 1;
    atomic_store(&keyring->references, 1);
    pthread_mutex_init(&keyring->lock, NULL);
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
    int r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri);
    if (r != P11_KIT_URI_OK)
        return p11_error_text(error, P11_INVALID, "not a PKCS#11 URI: %s", p11_kit_uri_message(r));
    if (p11_kit_uri_any_unrecognized(uri) || p11_kit_uri_get_pin_value(uri) ||
        p11_kit_uri_get_pin_source(uri))
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
    int r = parsed ? parse_uri(uri, parsed, error)
                   : p11_error_text(error, P11_MEMORY, "out of memory");
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

static size_t find_object(const struct key *key, const struct index *index,
                          const struct object **ret_object)
{
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(key->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(key->uri, CKA_ID);
    struct index_query query = {.object_class = key->mech->object_class};
    if (label) {
        query.label = label->pValue;
        query.label_len = label->ulValueLen;
    }
    if (id) {
        query.id = id->pValue;
        query.id_len = id->ulValueLen;
    }
    return index_find(index, &query, ret_object);
}

/* Whether the object may serve the key; otherwise `reason` follows "the key ". */
static bool fits(const struct key *key, const struct object *object, char *reason, size_t size)
{
    const struct mech *mech = key->mech;
    if (object->key_type != mech->key_types[0] && object->key_type != mech->key_types[1]) {
        snprintf(reason, size, "is of a type that does not serve %s", mech->algorithm);
        return false;
    }
    if (object->value_len && object->value_len < mech->key_min) {
        snprintf(reason, size, "has %lu bytes, %s needs %zu (RFC 7518 section 3.2)",
                 (unsigned long)object->value_len, mech->algorithm, mech->key_min);
        return false;
    }
    return !object_unfit(object, reason, size);
}

/* What was found out about a key on one token. */
struct finding {
    const struct object *object; /* NULL: none, or several */
    bool usable;
    unsigned char answer[MECH_SIGNATURE_MAX];
    char reason[KEY_REASON_MAX];
};

/* Lets the key answer, and compares with what it answered here before. */
static int check_answer(const struct key *key, const struct key_home *home, struct finding *finding,
                        struct p11_error *error)
{
    struct token *token = home->token;
    int r = sign_on_session(token->module->fn, token->anchor, finding->object->handle, key->mech,
                            KNOWN_QUESTION, sizeof KNOWN_QUESTION - 1, finding->answer, error);
    if (r == P11_UNAVAILABLE)
        return r;
    char text[P11_ERROR_TEXT_MAX];
    if (r < 0)
        snprintf(finding->reason, KEY_REASON_MAX, "the key does not sign: %.160s",
                 p11_error_describe(error, text, sizeof text));
    else if (home->answered && memcmp(home->answer, finding->answer, key->mech->signature_len) != 0)
        snprintf(finding->reason, KEY_REASON_MAX,
                 "token %.64s was exchanged: the key is not the one that was there before",
                 token->name);
    else
        finding->usable = true;
    return 0;
}

/* Errors: P11_UNAVAILABLE. */
static int examine(const struct key *key, const struct key_home *home, struct finding *finding,
                   struct p11_error *error)
{
    const struct token *token = home->token;
    const struct object *object = NULL;
    size_t matches = 0;
    char unfit[KEY_REASON_MAX - 10];
    if (p11_kit_uri_match_token_info(key->uri, (CK_TOKEN_INFO *)&token->info))
        matches = find_object(key, &token->index, &object);
    if (matches == 0)
        snprintf(finding->reason, KEY_REASON_MAX, "no such key on token %.64s", token->name);
    else if (matches > 1)
        snprintf(finding->reason, KEY_REASON_MAX, "%zu keys of that name on token %.64s", matches,
                 token->name);
    else if (!fits(key, object, unfit, sizeof unfit))
        snprintf(finding->reason, KEY_REASON_MAX, "the key %s", unfit);
    if (finding->reason[0])
        return 0;
    finding->object = object;
    return check_answer(key, home, finding, error);
}

/* With the lock held. */
static void name_key(struct key *key, const char *label, const unsigned char *answer)
{
    if (atomic_load(&key->named))
        return;
    snprintf(key->label, sizeof key->label, "%s", label);
    for (size_t i = 0; i < KEY_DIGEST_HEX / 2; i++)
        snprintf(key->digest + 2 * i, 3, "%02x", answer[i]);
    atomic_store(&key->named, true);
}

static int resolve_key(struct keyring *keyring, struct key *key, struct key_home *home,
                       uint64_t generation, struct p11_error *error)
{
    struct finding finding = {0};
    atomic_store(&home->generation, 0);
    int r = examine(key, home, &finding, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&keyring->lock);
    memcpy(home->reason, finding.reason, sizeof home->reason);
    if (finding.usable) {
        name_key(key, finding.object->label, finding.answer);
        memcpy(home->answer, finding.answer, sizeof home->answer);
        home->answered = true;
        home->handle = finding.object->handle;
        atomic_store(&home->generation, generation);
    }
    pthread_mutex_unlock(&keyring->lock);
    return 0;
}

/* One object under two algorithms: a token of one could pass for a token of the other. */
struct use {
    CK_OBJECT_HANDLE handle;
    struct key *key;
};

static int by_handle(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return (x->handle > y->handle) - (x->handle < y->handle);
}

/* With the lock held. */
static int find_other_uses(struct keyring *keyring, size_t home, uint64_t generation,
                           struct p11_error *error)
{
    struct use *uses = calloc(keyring->count + 1, sizeof *uses);
    if (!uses)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        if (atomic_load(&key->homes[home].generation) == generation)
            uses[count++] = (struct use){key->homes[home].handle, key};
    }
    qsort(uses, count, sizeof *uses, by_handle);
    for (size_t first = 0, i = 1; i < count; i++) {
        if (uses[i].handle != uses[first].handle)
            first = i;
        else if (uses[i].key->mech != uses[first].key->mech)
            for (size_t j = first; j <= i; j++)
                uses[j].key->other_use = uses[j == i ? first : i].key;
    }
    free(uses);
    return 0;
}

/* Decides whether the key is ready, from all of its homes. With the lock held. */
static void judge(struct key *key)
{
    const struct key_home *first = NULL;
    bool usable = false;
    for (size_t i = 0; i < key->home_count; i++) {
        const struct key_home *home = &key->homes[i];
        usable |= atomic_load(&home->generation) != 0;
        if (!home->answered)
            continue;
        if (first && memcmp(first->answer, home->answer, key->mech->signature_len) != 0)
            key->contradicted = true;
        first = home;
    }
    atomic_store(&key->ready, usable && !key->contradicted && !key->other_use);
}

static size_t home_of(const struct keyring *keyring, const struct token *token)
{
    size_t home = 0;
    while (keyring->tokens[home] != token)
        home++;
    return home;
}

int keyring_resolve(struct keyring *keyring, struct token *token, uint64_t generation,
                    struct p11_error *error)
{
    size_t home = home_of(keyring, token);
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        int r = resolve_key(keyring, key, &key->homes[home], generation, error);
        if (r < 0)
            return r;
    }
    pthread_mutex_lock(&keyring->lock);
    int r = find_other_uses(keyring, home, generation, error);
    for (size_t i = 0; i < keyring->count; i++)
        judge(keyring->keys[i]);
    pthread_mutex_unlock(&keyring->lock);
    return r;
}

void keyring_withdraw(struct keyring *keyring, struct token *token, const char *reason)
{
    size_t home = home_of(keyring, token);
    pthread_mutex_lock(&keyring->lock);
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        atomic_store(&key->homes[home].generation, 0);
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
    buffer[0] = '\0';
    pthread_mutex_lock(&keyring->lock);
    if (key->contradicted)
        snprintf(buffer, size, "the tokens hold different keys of that name");
    else if (key->other_use)
        snprintf(buffer, size, "the same key is used with %s and %s: one algorithm a key",
                 key->mech->algorithm, key->other_use->mech->algorithm);
    else
        describe_homes(key, buffer, size);
    pthread_mutex_unlock(&keyring->lock);
    return buffer;
}

bool key_is_named(const struct key *key)
{
    return atomic_load(&key->named);
}
