/* Keeps, for each audience of a profile that seals, the key that its tokens are encrypted to. */
#include "config.h"
#include "agent/provider_keys.h"
#include "agent/jose/jwe.h"
#include "agent/jose/jwks.h"
#include "agent/log.h"
#include "agent/provider_keys_file.h"
#include "agent/refusal.h"
#include "agent/seal.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CLOCK_SKEW 300 /* seconds that the clock of whoever fetched may be ahead */

/* A key in use; never changed. Workers that seal with it hold a reference. */
struct in_use {
    _Atomic unsigned references;
    struct jwe_recipient *recipient;
    char *kid; /* or NULL */
    const char *alg;
    int64_t fresh_until; /* seconds since 1970; INT64_MAX: pinned */
};

/* The file as it was read last; `there` is false where there is none. */
struct seen {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed; /* also by chmod and chown, which can mend what is wrong with it */
    bool there;
};

struct slot {
    struct in_use *in_use;                 /* under the lock; NULL: none */
    char reason[PROVIDER_KEYS_REASON_MAX]; /* under the lock; what is wrong with the file, or "" */
    struct seen seen;                      /* of the main thread */
    bool looked;                           /* and what was seen need not be read again */
};

struct provider_keys {
    pthread_mutex_t lock;
    size_t count;
    struct slot slots[]; /* by audience */
};

struct provider_keys *provider_keys_new(size_t audience_count)
{
    struct provider_keys *keys = calloc(1, sizeof *keys + audience_count * sizeof *keys->slots);
    if (!keys)
        return NULL;
    pthread_mutex_init(&keys->lock, NULL);
    keys->count = audience_count;
    return keys;
}

static void unref(struct in_use *in_use)
{
    if (!in_use || atomic_fetch_sub(&in_use->references, 1) > 1)
        return;
    jwe_recipient_free(in_use->recipient);
    free(in_use->kid);
    free(in_use);
}

void provider_keys_free(struct provider_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        unref(keys->slots[i].in_use);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

static struct in_use *ref(struct in_use *in_use)
{
    if (in_use)
        atomic_fetch_add(&in_use->references, 1);
    return in_use;
}

void provider_keys_inherit(const struct profile *profile, const struct profile *old)
{
    if (!profile->seal || !old->seal || !seal_equal(profile->seal, old->seal))
        return;
    for (size_t i = 0; i < profile->audience_count; i++) {
        struct slot *slot = &profile->provider_keys->slots[i];
        for (size_t j = 0; j < old->audience_count; j++) {
            if (strcmp(profile->audiences[i], old->audiences[j]) != 0)
                continue;
            *slot = old->provider_keys->slots[j];
            ref(slot->in_use);
        }
    }
}

/* A file in one pass over the profiles, of which many may need it: it is looked at once, and read
 * once where that is wanted. */
struct look {
    const char *issuer; /* borrowed; the first member, by which looks are found */
    struct seen seen;   /* before it was read */
    bool was_read;
    bool missing;       /* there is no file, which is somebody's will; one that is bad is not */
    int64_t fetched_at; /* of `jwks` */
    struct jwks *jwks;  /* or NULL ... */
    char reason[PROVIDER_KEYS_REASON_MAX]; /* ... and why */
};

struct pass {
    const struct jose *jose;
    const char *dir;
    void *looks; /* a tree of search.h */
};

static int by_issuer(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static void look_free(void *argument)
{
    struct look *look = argument;
    jwks_free(look->jwks);
    free(look);
}

static struct seen see(const char *dir, const char *issuer)
{
    char name[PROVIDER_KEYS_NAME_SIZE], path[4096];
    struct stat st;
    if (provider_keys_file_name(issuer, name) < 0 ||
        snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path || stat(path, &st) < 0)
        return (struct seen){.there = false};
    return (struct seen){st.st_dev, st.st_ino, st.st_size, st.st_ctim, true};
}

/* NULL without memory. */
static struct look *look_at(struct pass *pass, const char *issuer)
{
    struct look *const *found = tfind(&issuer, &pass->looks, by_issuer);
    if (found)
        return *found;
    struct look *look = calloc(1, sizeof *look);
    if (!look)
        return NULL;
    look->issuer = issuer;
    look->seen = see(pass->dir, issuer);
    if (!tsearch(look, &pass->looks, by_issuer)) {
        free(look);
        return NULL;
    }
    return look;
}

static bool has_changed(const struct slot *slot, const struct seen *seen)
{
    return !slot->looked || slot->seen.there != seen->there || slot->seen.device != seen->device ||
           slot->seen.inode != seen->inode || slot->seen.size != seen->size ||
           slot->seen.changed.tv_sec != seen->changed.tv_sec ||
           slot->seen.changed.tv_nsec != seen->changed.tv_nsec;
}

static void parse(const struct jose *jose, json_t *keys, struct look *look)
{
    const char *error = "out of memory";
    json_t *set = json_pack("{s:O}", "keys", keys);
    if (!set || jwks_parse(jose, set, &look->jwks, &error) < 0)
        snprintf(look->reason, sizeof look->reason, "%s", error);
    json_decref(set);
}

static void read_file(const struct pass *pass, struct look *look)
{
    struct provider_keys_file file = {0};
    int r = provider_keys_file_read(&file, pass->dir, look->issuer);
    look->was_read = true;
    look->missing = r == PROVIDER_KEYS_FILE_MISSING;
    look->fetched_at = file.fetched_at;
    if (look->missing)
        snprintf(look->reason, sizeof look->reason, "there is no key file for it in %s", pass->dir);
    else if (r < 0)
        snprintf(look->reason, sizeof look->reason, "%s", file.json.error);
    else if (file.fetched_at > time(NULL) + CLOCK_SKEW)
        snprintf(look->reason, sizeof look->reason, "%s says that it was fetched in the future",
                 file.path);
    else
        parse(pass->jose, file.keys, look);
    provider_keys_file_close(&file);
}

/* Prepares the key that the file offers. On an error *ret_reason says why there is none. */
static struct in_use *choose(const struct jose *jose, const struct seal *seal,
                             const struct look *look, const char **ret_reason)
{
    const struct jwk *jwk;
    const struct alg *alg;
    const char *error = look->jwks ? "out of memory" : look->reason;
    struct in_use *in_use = look->jwks ? calloc(1, sizeof *in_use) : NULL;
    int r = in_use ? 0 : -1;
    if (r == 0)
        r = jwks_choose(look->jwks, seal->algs, seal->alg_count, seal->without_use, &jwk, &alg,
                        &error);
    if (r == 0)
        r = jwe_recipient_new(jose, alg, seal->enc, jwk->key, jwk->kid, &in_use->recipient);
    if (r < 0) {
        free(in_use);
        *ret_reason = error;
        return NULL;
    }
    atomic_store(&in_use->references, 1);
    in_use->kid = jwk->kid ? strdup(jwk->kid) : NULL;
    in_use->alg = alg->name;
    in_use->fresh_until =
        look->fetched_at == PROVIDER_KEYS_PINNED ? INT64_MAX : look->fetched_at + seal->max_stale;
    return in_use;
}

/* Takes over in_use, or keeps the key that there is. */
static void replace(struct provider_keys *keys, struct slot *slot, struct in_use *in_use, bool keep,
                    const char *reason)
{
    struct in_use *old = NULL;
    pthread_mutex_lock(&keys->lock);
    if (!keep) {
        old = slot->in_use;
        slot->in_use = in_use;
    }
    snprintf(slot->reason, sizeof slot->reason, "%s", reason);
    pthread_mutex_unlock(&keys->lock);
    unref(old);
}

static void refresh(const struct jose *jose, const struct profile *profile, const struct look *look,
                    struct slot *slot)
{
    const char *reason = "";
    struct in_use *in_use = choose(jose, profile->seal, look, &reason);
    bool keep = !in_use && !look->missing && slot->in_use;
    /* What is wrong may pass without a change of the file: a clock, a folder, a want of memory. */
    slot->looked = in_use || look->missing;
    slot->seen = look->seen;
    if (in_use)
        log_info("profile %s: encrypts to key %s of %s with %s", profile->name,
                 in_use->kid ? in_use->kid : "without kid", look->issuer, in_use->alg);
    else if (strcmp(reason, slot->reason) != 0)
        log_error("profile %s: no encryption key of %s: %s%s", profile->name, look->issuer, reason,
                  keep ? "; the key that it had stays" : "");
    replace(profile->provider_keys, slot, in_use, keep, reason);
}

static void refresh_profile(struct pass *pass, const struct profile *profile)
{
    for (size_t i = 0; profile->seal && i < profile->audience_count; i++) {
        struct slot *slot = &profile->provider_keys->slots[i];
        struct look *look = look_at(pass, profile->audiences[i]);
        if (!look || !has_changed(slot, &look->seen))
            continue;
        if (!look->was_read)
            read_file(pass, look);
        refresh(pass->jose, profile, look, slot);
    }
}

void provider_keys_refresh(const struct jose *jose, const char *dir,
                           struct profile *const *profiles, size_t count)
{
    struct pass pass = {.jose = jose, .dir = dir};
    for (size_t i = 0; i < count; i++)
        refresh_profile(&pass, profiles[i]);
    tdestroy(pass.looks, look_free);
}

static struct in_use *take(const struct profile *profile, size_t audience)
{
    struct provider_keys *keys = profile->provider_keys;
    pthread_mutex_lock(&keys->lock);
    struct in_use *in_use = ref(keys->slots[audience].in_use);
    pthread_mutex_unlock(&keys->lock);
    return in_use;
}

int provider_keys_seal(const struct profile *profile, size_t audience, time_t now,
                       struct text *token, struct refusal *refusal)
{
    struct in_use *in_use = take(profile, audience);
    char *sealed;
    size_t length;
    int r = REFUSAL_ENCRYPTION_KEY_UNAVAILABLE;
    if (!in_use)
        snprintf(refusal->detail, sizeof refusal->detail, "no encryption key");
    else if (in_use->fresh_until < now)
        snprintf(refusal->detail, sizeof refusal->detail, "the encryption key is stale");
    else if (jwe_seal(in_use->recipient, token->data, token->length, &sealed, &length) < 0)
        r = REFUSAL_INTERNAL;
    else {
        text_clear(token);
        text_add(token, sealed, length);
        free(sealed);
        r = token->failed ? REFUSAL_INTERNAL : 0;
    }
    unref(in_use);
    return r;
}

bool provider_keys_ready(const struct profile *profile, time_t now, char *reason, size_t size)
{
    for (size_t i = 0; profile->seal && i < profile->audience_count; i++) {
        struct in_use *in_use = take(profile, i);
        bool fresh = in_use && in_use->fresh_until >= now;
        pthread_mutex_lock(&profile->provider_keys->lock);
        if (!fresh)
            snprintf(reason, size, "no encryption key of %s: %s", profile->audiences[i],
                     in_use ? "the one that was fetched is stale"
                            : profile->provider_keys->slots[i].reason);
        pthread_mutex_unlock(&profile->provider_keys->lock);
        unref(in_use);
        if (!fresh)
            return false;
    }
    return true;
}

static void put_string(struct text *out, const char *name, const char *value)
{
    text_put(out, name);
    text_string(out, value, strlen(value));
}

static void put_key(const struct in_use *in_use, const char *issuer, const char *reason,
                    struct text *out)
{
    put_string(out, "{\"issuer\":", issuer);
    put_string(out, ",\"alg\":", in_use->alg);
    if (in_use->kid)
        put_string(out, ",\"kid\":", in_use->kid);
    if (in_use->fresh_until != INT64_MAX) {
        text_put(out, ",\"fresh_until\":");
        text_integer(out, in_use->fresh_until);
    }
    if (reason[0])
        put_string(out, ",\"error\":", reason);
    text_put(out, "}");
}

void provider_keys_write(const struct profile *profile, struct text *out)
{
    struct provider_keys *keys = profile->provider_keys;
    const char *separator = "";
    text_put(out, "[");
    for (size_t i = 0; profile->seal && i < profile->audience_count; i++) {
        pthread_mutex_lock(&keys->lock);
        if (keys->slots[i].in_use) {
            text_put(out, separator);
            put_key(keys->slots[i].in_use, profile->audiences[i], keys->slots[i].reason, out);
            separator = ",";
        }
        pthread_mutex_unlock(&keys->lock);
    }
    text_put(out, "]");
}
