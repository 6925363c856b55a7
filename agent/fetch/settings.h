/* What hintsign-fetch takes from the agent's configuration. */
#ifndef HINTSIGN_FETCH_SETTINGS_H
#define HINTSIGN_FETCH_SETTINGS_H

#include "agent/json_file.h"

#define SETTINGS_DEFAULT_PATH  "/etc/hintsign/agent.json"
#define SETTINGS_PROFILES_DIR  "/etc/hintsign/profiles.d" /* unless configured */
#define SETTINGS_ISSUERS_MAX   1000
#define SETTINGS_AUDIENCES_MAX 64
#define SETTINGS_STALE_MIN     60       /* seconds */
#define SETTINGS_STALE_MAX     31536000 /* seconds; a year */
#define SETTINGS_ERROR_MAX     640

/* An audience of a profile that seals. */
struct settings_issuer {
    char *issuer;
    long max_stale;   /* seconds; the least of all profiles that name it */
    bool without_use; /* a profile takes keys that do not say what they are for */
};

/* Free with settings_free. */
struct settings {
    char *keys_dir;
    char *ca_file; /* or NULL */
    char *proxy;   /* or NULL */
    char *profiles_dir;
    struct settings_issuer issuers[SETTINGS_ISSUERS_MAX];
    size_t issuer_count;
};

/* Reads agent.json and the profiles, and checks no more of them than is taken: the rest is the
 * agent's. Returns 0, or -1 with "FILE:LINE: MEMBER: what is wrong" in `error`. */
int settings_load(const char *path, struct settings **ret_settings,
                  char error[static SETTINGS_ERROR_MAX]);

/* Accepts NULL. */
void settings_free(struct settings *settings);

#endif
