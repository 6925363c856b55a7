/* Reads agent.json: a table of members for each of its objects. */
#include "config.h"
#include "agent/conf_agent.h"
#include "agent/json_file.h"
#include "agent/provider_keys_file.h"

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

static int take_admin_socket(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return take_path(file, at, SOCKET_PATH_MAX, &conf->admin.path);
}

static int take_workers(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, CONF_WORKERS_MAX, &value);
    conf->workers = (unsigned)value;
    return r;
}

static const char *peer_pid_choice(size_t index)
{
    return index <= PEER_PID_BEST_EFFORT ? peer_pid_name((enum peer_pid)index) : NULL;
}

static int take_peer_pid(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    size_t index = 0;
    int r = json_take_choice(file, at, peer_pid_choice, &index);
    conf->peer_pid = (enum peer_pid)index;
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

static int take_provider_keys_dir(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return take_path(file, at, PATH_MAX_BYTES, &conf->provider_keys_dir);
}

static int take_state_dir(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return take_path(file, at, PATH_MAX_BYTES, &conf->state_dir);
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

static int take_checkpoint_key(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    struct p11_error error;
    int r = json_take_string(file, at, PROFILE_STRING_MAX, &conf->checkpoint_uri);
    if (r == 0 && key_check_uri(conf->checkpoint_uri, &error) < 0)
        r = json_file_error(file, at, "%s", error.text);
    return r;
}

static const struct json_member audit_members[] = {
    {"path", false, take_audit_path},
    {"sync", false, take_audit_sync},
    {"checkpoint_key", false, take_checkpoint_key},
    {NULL, false, NULL},
};

static int take_audit(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_object(file, at, audit_members, target);
}

static int take_properties(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return json_take_string(file, at, NAME_MAX_BYTES, &conf->openssl_properties);
}

static const struct json_member openssl_members[] = {
    {"properties", true, take_properties},
    {NULL, false, NULL},
};

static int take_openssl(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_object(file, at, openssl_members, target);
}

static int skip(struct json_file *file, const struct json_at *at, void *target)
{
    (void)file, (void)at, (void)target;
    return 0;
}

static int take_limits(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf *conf = target;
    return conf_limits_take(file, at, &conf->limits);
}

static const struct json_member members[] = {
    {"version", false, take_version},
    {"listeners", false, take_listeners},
    {"admin_socket", false, take_admin_socket},
    {"workers", false, take_workers},
    {"limits", false, take_limits},
    {"peer_pid", false, take_peer_pid},
    {"tokens", true, take_tokens},
    {"profiles_dir", false, take_profiles_dir},
    {"provider_keys_dir", false, take_provider_keys_dir},
    {"state_dir", false, take_state_dir},
    {"audit", false, take_audit},
    {"openssl", false, take_openssl},
    {"fetch", false, skip}, /* hintsign-fetch's own */
    {NULL, false, NULL},
};

/* What agent.json may leave out. Returns -1 without memory. */
static int set_defaults(struct conf *conf)
{
    if (!conf->state_dir)
        conf->state_dir = strdup("/var/lib/hintsign");
    if (!conf->audit_path)
        conf->audit_path = strdup("/var/log/hintsign/audit.jsonl");
    if (!conf->profiles_dir)
        conf->profiles_dir = strdup("/etc/hintsign/profiles.d");
    if (!conf->provider_keys_dir)
        conf->provider_keys_dir = strdup(PROVIDER_KEYS_DIR);
    if (!conf->admin.path)
        conf->admin.path = strdup("/run/hintsign/admin.sock");
    conf->admin.name = strdup("admin");
    conf->admin.mode = 0600;
    if (conf->listener_count == 0)
        conf->listeners[conf->listener_count++] = (struct conf_listener){
            .name = strdup("default"), .path = strdup("/run/hintsign/agent.sock"), .mode = 0660};
    return conf->state_dir && conf->audit_path && conf->profiles_dir && conf->provider_keys_dir &&
                   conf->admin.name && conf->admin.path && conf->listeners[0].name &&
                   conf->listeners[0].path
               ? 0
               : -1;
}

int conf_agent_load(const char *path, struct conf *conf, char error[static CONF_ERROR_MAX])
{
    struct json_file file;
    conf->workers = CONF_WORKERS_DEFAULT;
    conf_limits_default(&conf->limits);
    int r = json_file_open(&file, path);
    if (r == 0) {
        struct json_at root = {.value = file.root};
        r = json_take_object(&file, &root, members, conf);
    }
    if (r == 0 && set_defaults(conf) < 0)
        r = json_file_error(&file, &(struct json_at){0}, "out of memory");
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s", file.error);
    conf->source = (struct source){file.text, file.length};
    file.text = NULL;
    json_file_close(&file);
    return r;
}
