/* Reads agent.json and the profiles into one const struct conf. */
#include "config.h"
#include "agent/conf.h"
#include "agent/json_file.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define NAME_MAX_BYTES  64
#define PATH_MAX_BYTES  4095
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static int take_path(struct json_file *file, const struct json_at *at, size_t max, char **ret_path)
{
    int r = json_take_string(file, at, max, ret_path);
    if (r == 0 && (*ret_path)[0] != '/')
        r = json_file_error(file, at, "must be an absolute path");
    return r;
}

static int take_version(struct json_file *file, const struct json_at *at, void *target)
{
    (void)target;
    json_int_t version;
    return json_take_integer(file, at, 1, 1, &version);
}

static int take_listener_name(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_listener *listener = target;
    return json_take_string(file, at, NAME_MAX_BYTES, &listener->name);
}

static int take_listener_path(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_listener *listener = target;
    return take_path(file, at, SOCKET_PATH_MAX, &listener->path);
}

static int take_listener_mode(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_listener *listener = target;
    const char *text = json_string_value(at->value);
    char *end = NULL;
    unsigned long mode = text ? strtoul(text, &end, 8) : 0;
    if (!text || text[0] != '0' || *end || mode > 0777)
        return json_file_error(file, at, "must be octal digits, such as \"0660\"");
    listener->mode = (mode_t)mode;
    return 0;
}

static int take_listener_group(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_listener *listener = target;
    const char *name = json_string_value(at->value);
    const struct group *group = name ? getgrnam(name) : NULL;
    if (!group)
        return json_file_error(file, at, "there is no group of that name");
    listener->has_group = true;
    listener->group = group->gr_gid;
    return 0;
}

static const struct json_member listener_members[] = {
    {"name", true, take_listener_name},
    {"path", true, take_listener_path},
    {"mode", false, take_listener_mode},
    {"group", false, take_listener_group},
    {NULL, false, NULL},
};

static int take_listener(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    struct conf_listener *listener = &conf->listeners[conf->listener_count++];
    listener->mode = 0660;
    int r = json_take_object(file, at, listener_members, listener);
    for (size_t i = 0; r == 0 && i + 1 < conf->listener_count; i++)
        if (strcmp(conf->listeners[i].name, listener->name) == 0 ||
            strcmp(conf->listeners[i].path, listener->path) == 0)
            r = json_file_error(file, at, "has the name or the path of another listener");
    return r;
}

static int take_listeners(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, CONF_LISTENERS_MAX, take_listener, target);
}

static int take_workers(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, CONF_WORKERS_MAX, &value);
    conf->workers = (unsigned)value;
    return r;
}

static int take_token_name(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_token *token = target;
    return json_take_string(file, at, NAME_MAX_BYTES, &token->name);
}

static int take_token_uri(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_token *token = target;
    struct p11_error error;
    int r = json_take_string(file, at, PATH_MAX_BYTES, &token->uri);
    if (r == 0 && token_check_uri(token->uri, &error) < 0)
        r = json_file_error(file, at, "%s", error.text);
    return r;
}

static int take_token_sessions(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_token *token = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, SESSION_LIMIT, &value);
    token->max_sessions = (unsigned)value;
    return r;
}

static const char *login_name(size_t index)
{
    static const char *const names[] = {[TOKEN_LOGIN_PIN] = "pin",
                                        [TOKEN_LOGIN_PROTECTED] = "protected",
                                        [TOKEN_LOGIN_NONE] = "none"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static int take_token_login(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_token *token = target;
    size_t index = 0;
    int r = json_take_choice(file, at, login_name, &index);
    token->login = (enum token_login)index;
    return r;
}

static const struct json_member token_members[] = {
    {"name", true, take_token_name},
    {"uri", true, take_token_uri},
    {"max_sessions", false, take_token_sessions},
    {"login", false, take_token_login},
    {NULL, false, NULL},
};

static int take_token(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    struct conf_token *token = &conf->tokens[conf->token_count++];
    token->max_sessions = SESSION_DEFAULT_MAX;
    int r = json_take_object(file, at, token_members, token);
    for (size_t i = 0; r == 0 && i + 1 < conf->token_count; i++)
        if (strcmp(conf->tokens[i].name, token->name) == 0)
            r = json_file_error(file, at, "has the name of another token");
    return r;
}

static int take_tokens(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, CONF_TOKENS_MAX, take_token, target);
}

static int take_profiles_dir(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return take_path(file, at, PATH_MAX_BYTES, &conf->profiles_dir);
}

static int take_audit_path(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return take_path(file, at, PATH_MAX_BYTES, &conf->audit_path);
}

static const char *sync_name(size_t index)
{
    static const char *const names[] = {
        [CONF_SYNC_ALWAYS] = "always", [CONF_SYNC_INTERVAL] = "interval"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static int take_audit_sync(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    size_t index = 0;
    int r = json_take_choice(file, at, sync_name, &index);
    conf->audit_sync = (enum conf_sync)index;
    return r;
}

static const struct json_member audit_members[] = {
    {"path", false, take_audit_path},
    {"sync", false, take_audit_sync},
    {NULL, false, NULL},
};

static int take_audit(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_object(file, at, audit_members, target);
}

static const struct json_member members[] = {
    {"version", false, take_version},
    {"listeners", false, take_listeners},
    {"workers", false, take_workers},
    {"tokens", true, take_tokens},
    {"profiles_dir", false, take_profiles_dir},
    {"audit", false, take_audit},
    {NULL, false, NULL},
};

/* What agent.json may leave out. Returns -1 without memory. */
static int set_defaults(struct conf *conf)
{
    if (!conf->audit_path)
        conf->audit_path = strdup("/var/log/hintsign/audit.jsonl");
    if (!conf->profiles_dir)
        conf->profiles_dir = strdup("/etc/hintsign/profiles.d");
    if (conf->listener_count == 0)
        conf->listeners[conf->listener_count++] = (struct conf_listener){
            .name = strdup("default"), .path = strdup("/run/hintsign/agent.sock"), .mode = 0660};
    return conf->audit_path && conf->profiles_dir && conf->listeners[0].name &&
                   conf->listeners[0].path
               ? 0
               : -1;
}

static int load_agent(const char *path, struct conf *conf, char *error)
{
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0) {
        struct json_at root = {.value = file.root};
        r = json_take_object(&file, &root, members, conf);
    }
    if (r == 0 && set_defaults(conf) < 0)
        r = json_file_error(&file, &(struct json_at){0}, "out of memory");
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s", file.error);
    json_file_close(&file);
    return r;
}

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
    if (r == 0)
        conf->profile_count++;
    return r;
}

static int add_profile(struct conf *conf, const char *file_name, const char *const *listeners,
                       char *error)
{
    size_t length = strlen(file_name);
    if (file_name[0] == '.' || length < 5 || strcmp(file_name + length - 5, ".json") != 0)
        return 0;
    if (!profile_is_name(file_name, length - 5)) {
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
    return load_profile(conf, file_name, length - 5, listeners, error);
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
    while (r == 0 && (entry = readdir(dir)))
        r = add_profile(conf, entry->d_name, listeners, error);
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
    conf->workers = CONF_WORKERS_DEFAULT;
    int r = load_agent(path, conf, error);
    if (r == 0)
        r = load_profiles(conf, error);
    if (r < 0) {
        conf_unref(conf);
        return r;
    }
    *ret_conf = conf;
    return 0;
}

static int bind_profile(struct conf *conf, struct profile *profile)
{
    struct p11_error error;
    if (keyring_add(conf->keyring, profile->key_uri, profile->mech, &profile->key, &error) < 0)
        return -1;
    profile->key->verify = profile->verify;
    for (size_t i = 0; i < profile->publish_count; i++) {
        struct published *published = &profile->publish[i];
        if (keyring_add(conf->keyring, published->key_uri, published->mech, &published->key,
                        &error) < 0)
            return -1;
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
    return 0;
}

struct conf *conf_ref(struct conf *conf)
{
    atomic_fetch_add(&conf->references, 1);
    return conf;
}

void conf_unref(struct conf *conf)
{
    if (!conf || atomic_fetch_sub(&conf->references, 1) > 1)
        return;
    for (size_t i = 0; i < conf->profile_count; i++)
        profile_free(conf->profiles[i]);
    for (size_t i = 0; i < conf->listener_count; i++) {
        free(conf->listeners[i].name);
        free(conf->listeners[i].path);
    }
    for (size_t i = 0; i < conf->token_count; i++) {
        free(conf->tokens[i].name);
        free(conf->tokens[i].uri);
    }
    keyring_unref(conf->keyring);
    free(conf->profiles);
    free(conf->profiles_dir);
    free(conf->audit_path);
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
    if (strcmp(old->audit_path, new->audit_path) != 0 || old->audit_sync != new->audit_sync)
        return "audit";
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
