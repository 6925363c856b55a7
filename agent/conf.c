/* Reads agent.json and the profiles into one const struct conf. */
#include "config.h"
#include "agent/conf.h"
#include "agent/compose.h"
#include "agent/conf_agent.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX        ".json" /* behind a profile's name */
#define SUFFIX_LENGTH (sizeof SUFFIX - 1)

static int load_profile(struct conf *conf, const char *file_name, size_t name_len,
                        const char *const *listeners, char *error)
{
    char *path = NULL;
    char name[PROFILE_NAME_MAX + 1];
    memcpy(name, file_name, name_len);
    name[name_len] = '\0';
    if (asprintf(&path, "%s/%s", conf->profiles_dir, file_name) < 0) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    int r = profile_load(path, name, listeners, &conf->profiles[conf->profile_count], error,
                         CONF_ERROR_MAX);
    free(path);
    if (r < 0)
        return r;
    struct profile *profile = conf->profiles[conf->profile_count++];
    conf->seals |= profile->seal != NULL;
    if (profile->kind->signs_data || compose_prepare(profile) == 0)
        return 0;
    snprintf(error, CONF_ERROR_MAX, "out of memory");
    return -1;
}

static int add_profile(struct conf *conf, const char *file_name, const char *const *listeners,
                       char *error)
{
    size_t length = strlen(file_name);
    if (file_name[0] == '.' || length < SUFFIX_LENGTH ||
        strcmp(file_name + length - SUFFIX_LENGTH, SUFFIX) != 0)
        return 0;
    if (!profile_is_name(file_name, length - SUFFIX_LENGTH)) {
        snprintf(error, CONF_ERROR_MAX,
                 "%s/%.200s: a profile's name has 1 to %d characters of a-z 0-9 . _ -",
                 conf->profiles_dir, file_name, PROFILE_NAME_MAX);
        return -1;
    }
    if (conf->profile_count == CONF_PROFILES_MAX) {
        snprintf(error, CONF_ERROR_MAX, "%s: more than %d profiles", conf->profiles_dir,
                 CONF_PROFILES_MAX);
        return -1;
    }
    if ((conf->profile_count & (conf->profile_count - 1)) == 0) { /* full at each power of two */
        size_t size = conf->profile_count ? conf->profile_count * 2 : 1;
        struct profile **profiles = reallocarray(conf->profiles, size, sizeof *profiles);
        if (!profiles) {
            snprintf(error, CONF_ERROR_MAX, "out of memory");
            return -1;
        }
        conf->profiles = profiles;
    }
    return load_profile(conf, file_name, length - SUFFIX_LENGTH, listeners, error);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct profile *const *)a)->name, (*(struct profile *const *)b)->name);
}

static int load_profiles(struct conf *conf, char *error)
{
    const char *listeners[CONF_LISTENERS_MAX + 1] = {NULL};
    for (size_t i = 0; i < conf->listener_count; i++)
        listeners[i] = conf->listeners[i].name;
    DIR *dir = opendir(conf->profiles_dir);
    if (!dir) {
        snprintf(error, CONF_ERROR_MAX, "%s: %s", conf->profiles_dir, strerror(errno));
        return -1;
    }
    int r = 0;
    const struct dirent *entry;
    for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
        r = add_profile(conf, entry->d_name, listeners, error);
    if (r == 0 && errno != 0) { /* this is not the end of the folder */
        snprintf(error, CONF_ERROR_MAX, "%s: %s", conf->profiles_dir, strerror(errno));
        r = -1;
    }
    closedir(dir);
    if (conf->profile_count)
        qsort(conf->profiles, conf->profile_count, sizeof(struct profile *), by_name);
    return r;
}

int conf_load(const char *path, struct conf **ret_conf, char error[static CONF_ERROR_MAX])
{
    struct conf *conf = calloc(1, sizeof *conf);
    if (!conf) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    atomic_store(&conf->references, 1);
    conf->generation = 1;
    int r = conf_agent_load(path, conf, error);
    if (r == 0)
        r = load_profiles(conf, error);
    if (r < 0) {
        conf_unref(conf);
        return r;
    }
    *ret_conf = conf;
    return 0;
}

/* A key that signs what callers give must be used by nothing else: its profile owns it. */
static int bind_signers(struct conf *conf, struct profile *profile)
{
    struct p11_error error;
    for (size_t i = 0; i < profile->signer_count; i++) {
        struct signer *signer = &profile->signers[i];
        if (keyring_add(conf->keyring, profile->key_uri, signer->mech, &signer->key, &error) < 0)
            return -1;
        signer->key->owner = profile;
        signer->key->verify = profile->verify;
        signer->key->hashes = signer->mech->family != MECH_EDDSA;
    }
    profile->key = profile->signers[0].key;
    return 0;
}

/* A key that is not in use yet takes none away that is. */
static int bind_next_key(struct conf *conf, struct profile *profile)
{
    struct p11_error error;
    if (!profile->next_key_uri)
        return 0;
    if (keyring_add(conf->keyring, profile->next_key_uri, profile->mech, &profile->next_key,
                    &error) < 0)
        return -1;
    profile->next_key->yields = true;
    return 0;
}

static int bind_profile(struct conf *conf, struct profile *profile)
{
    struct p11_error error;
    if (profile->kind->signs_data)
        return bind_signers(conf, profile);
    if (keyring_add(conf->keyring, profile->key_uri, profile->mech, &profile->key, &error) < 0)
        return -1;
    profile->key->verify = profile->verify;
    if (bind_next_key(conf, profile) < 0)
        return -1;
    for (size_t i = 0; i < profile->publish_count; i++) {
        struct published *published = &profile->publish[i];
        if (keyring_add(conf->keyring, published->key_uri, published->mech, &published->key,
                        &error) < 0)
            return -1;
        published->key->beside = profile->key;
    }
    return 0;
}

/* Tells later which text this configuration came from; the text is no longer needed. */
static void hash_source(const struct crypto *crypto, struct source *source,
                        unsigned char ret_hash[static SOURCE_HASH_BYTES])
{
    if (crypto)
        EVP_Digest(source->text, source->length, ret_hash, NULL, crypto->digests[MECH_SHA256],
                   NULL);
    free(source->text);
    *source = (struct source){0};
}

/* A key has one natural algorithm, which is known when the token shows it. Nothing else may use it:
 * else a token could be had that passes for a checkpoint. */
static int bind_checkpoint(struct conf *conf)
{
    static const char *const algorithms[CONF_CHECKPOINT_KEYS] = {"ES256", "ES384", "ES512", "EdDSA",
                                                                 "RS256"};
    struct p11_error error;
    for (size_t i = 0; conf->checkpoint_uri && i < CONF_CHECKPOINT_KEYS; i++) {
        struct key **key = &conf->checkpoint_keys[i];
        if (keyring_add(conf->keyring, conf->checkpoint_uri, mech_find(algorithms[i]), key,
                        &error) < 0)
            return -1;
        (*key)->owner = conf;
        (*key)->verify = true;
    }
    return 0;
}

int conf_bind(struct conf *conf, const struct crypto *crypto, struct token **tokens,
              size_t token_count)
{
    struct p11_error error;
    if (keyring_new(crypto, tokens, token_count, &conf->keyring, &error) < 0)
        return -1;
    for (size_t i = 0; i < conf->profile_count; i++)
        if (bind_profile(conf, conf->profiles[i]) < 0)
            return -1;
    if (bind_checkpoint(conf) < 0)
        return -1;
    hash_source(crypto, &conf->source, conf->sha256);
    for (size_t i = 0; i < conf->profile_count; i++)
        hash_source(crypto, &conf->profiles[i]->source, conf->profiles[i]->sha256);
    conf->sha256_method = crypto ? crypto->digests[MECH_SHA256] : NULL;
    return 0;
}

struct conf *conf_ref(struct conf *conf)
{
    atomic_fetch_add(&conf->references, 1);
    return conf;
}

static void free_profile(struct profile *profile)
{
    compose_release(profile);
    profile_free(profile);
}

void conf_unref(struct conf *conf)
{
    if (!conf || atomic_fetch_sub(&conf->references, 1) > 1)
        return;
    for (size_t i = 0; i < conf->profile_count; i++)
        free_profile(conf->profiles[i]);
    for (size_t i = 0; i < conf->listener_count; i++) {
        free(conf->listeners[i].name);
        free(conf->listeners[i].path);
    }
    free(conf->admin.name);
    free(conf->admin.path);
    for (size_t i = 0; i < conf->token_count; i++) {
        free(conf->tokens[i].name);
        free(conf->tokens[i].uri);
    }
    keyring_unref(conf->keyring);
    free(conf->profiles);
    free(conf->profiles_dir);
    free(conf->provider_keys_dir);
    free(conf->openssl_properties);
    free(conf->state_dir);
    free(conf->audit_path);
    free(conf->checkpoint_uri);
    free(conf->source.text);
    free(conf);
}

const struct profile *conf_profile(const struct conf *conf, const char *name)
{
    size_t low = 0, high = conf->profile_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, conf->profiles[middle]->name);
        if (order == 0)
            return conf->profiles[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct key *conf_checkpoint_key(const struct conf *conf)
{
    for (size_t i = 0; i < CONF_CHECKPOINT_KEYS; i++)
        if (conf->checkpoint_keys[i] && atomic_load(&conf->checkpoint_keys[i]->ready))
            return conf->checkpoint_keys[i];
    return NULL;
}

/* That of the algorithm which came furthest: a key of another type says only so. */
const char *conf_checkpoint_reason(const struct conf *conf, char *buffer, size_t size)
{
    snprintf(buffer, size, "there is no checkpoint_key");
    for (size_t i = 0; i < CONF_CHECKPOINT_KEYS && conf->checkpoint_keys[i]; i++) {
        key_reason(conf->keyring, conf->checkpoint_keys[i], buffer, size);
        if (!strstr(buffer, "of a type that does not serve"))
            break;
    }
    return buffer;
}

static bool same_listener(const struct conf_listener *a, const struct conf_listener *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->path, b->path) == 0 && a->mode == b->mode &&
           a->has_group == b->has_group && a->group == b->group;
}

static bool same_token(const struct conf_token *a, const struct conf_token *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->uri, b->uri) == 0 &&
           a->max_sessions == b->max_sessions && a->login == b->login;
}

const char *conf_needs_restart(const struct conf *old, const struct conf *new)
{
    if (old->workers != new->workers)
        return "workers";
    if (old->peer_pid != new->peer_pid)
        return "peer_pid";
    if (strcmp(old->audit_path, new->audit_path) != 0 || old->audit_sync != new->audit_sync)
        return "audit";
    if (strcmp(old->state_dir, new->state_dir) != 0)
        return "state_dir";
    if (!old->openssl_properties != !new->openssl_properties ||
        (old->openssl_properties && strcmp(old->openssl_properties, new->openssl_properties) != 0))
        return "openssl";
    if (strcmp(old->admin.path, new->admin.path) != 0)
        return "admin_socket";
    if (old->listener_count != new->listener_count)
        return "listeners";
    if (old->token_count != new->token_count)
        return "tokens";
    for (size_t i = 0; i < old->listener_count; i++)
        if (!same_listener(&old->listeners[i], &new->listeners[i]))
            return "listeners";
    for (size_t i = 0; i < old->token_count; i++)
        if (!same_token(&old->tokens[i], &new->tokens[i]))
            return "tokens";
    return NULL;
}
