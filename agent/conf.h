/* The configuration: agent.json and the profiles, as one const whole. */
#ifndef HINTSIGN_AGENT_CONF_H
#define HINTSIGN_AGENT_CONF_H

#include "agent/peer.h"
#include "agent/conf_limits.h"
#include "agent/profile.h"

#include <stdatomic.h>

#define CONF_DEFAULT_PATH    "/etc/hintsign/agent.json"
#define CONF_LISTENERS_MAX   16
#define CONF_TOKENS_MAX      16
#define CONF_PROFILES_MAX    100000
#define CONF_WORKERS_DEFAULT 16
#define CONF_WORKERS_MAX     256
#define CONF_CHECKPOINT_KEYS 5
#define CONF_ERROR_MAX       640

struct conf_listener {
    char *name;
    char *path;
    mode_t mode;
    bool has_group;
    gid_t group;
};

struct conf_token {
    char *name;
    char *uri;
    unsigned max_sessions;
    enum token_login login;
};

enum conf_sync {
    CONF_SYNC_ALWAYS,   /* fdatasync before a token leaves */
    CONF_SYNC_INTERVAL, /* written before a token leaves, fdatasync once a second */
};

/* Const once it is loaded, and shared: a request ends under the configuration it began with. */
struct conf {
    _Atomic unsigned references;
    unsigned generation; /* 1 for the first, one more with every reload */
    struct conf_listener listeners[CONF_LISTENERS_MAX];
    size_t listener_count;
    struct conf_listener admin; /* the socket for administrators */
    struct conf_token tokens[CONF_TOKENS_MAX];
    size_t token_count;
    unsigned workers;
    struct conf_limits limits;
    enum peer_pid peer_pid; /* the least that a rule by `unit` may rely on */
    char *state_dir;
    char *audit_path;
    enum conf_sync audit_sync;
    char *checkpoint_uri; /* of the key that signs checkpoints of the audit log, or NULL */
    struct key *checkpoint_keys[CONF_CHECKPOINT_KEYS]; /* it, for each algorithm */
    char *profiles_dir;
    char *provider_keys_dir;
    char *openssl_properties;  /* which implementations to use, "fips=yes"; or NULL */
    struct profile **profiles; /* sorted by name */
    size_t profile_count;
    bool seals;                              /* some profile does */
    struct keyring *keyring;                 /* of the profiles' keys; NULL until conf_bind */
    struct source source;                    /* agent.json */
    unsigned char sha256[SOURCE_HASH_BYTES]; /* of it; from conf_bind on */
    const EVP_MD *sha256_method;             /* borrowed */
};

/* Reads the file and every NAME.json in its profiles_dir.
 * Returns 0, or -1 with "FILE:LINE: MEMBER: what is wrong" in `error`. */
int conf_load(const char *path, struct conf **ret_conf, char error[static CONF_ERROR_MAX]);

/* Gives every profile its key in a new keyring over these tokens. Errors: -1, out of memory. */
int conf_bind(struct conf *conf, const struct crypto *crypto, struct token **tokens,
              size_t token_count);

struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf); /* accepts NULL */

/* The profile of that name, or NULL. */
const struct profile *conf_profile(const struct conf *conf, const char *name);

/* The key that signs checkpoints, with the algorithm that is natural for it; NULL: it is not ready,
 * and conf_checkpoint_reason says why. */
struct key *conf_checkpoint_key(const struct conf *conf);
const char *conf_checkpoint_reason(const struct conf *conf, char *buffer, size_t size);

/* Names the first member of agent.json that differs and that a running agent cannot change, or
 * NULL. */
const char *conf_needs_restart(const struct conf *old, const struct conf *new);

#endif
