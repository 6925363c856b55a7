/* Reads what concerns hintsign-fetch from agent.json and the profiles. */
#include "config.h"
#include "agent/fetch/settings.h"
#include "agent/provider_keys_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING_MAX 4095 /* bytes of a path, a URL */

static int take_path(struct json_file *file, const struct json_at *at, char **ret_path)
{
    int r = json_take_string(file, at, STRING_MAX, ret_path);
    if (r == 0 && (*ret_path)[0] != '/')
        r = json_file_error(file, at, "must be an absolute path");
    return r;
}

static int take_profiles_dir(struct json_file *file, const struct json_at *at, void *target)
{
    struct settings *settings = target;
    return take_path(file, at, &settings->profiles_dir);
}

static int take_keys_dir(struct json_file *file, const struct json_at *at, void *target)
{
    struct settings *settings = target;
    return take_path(file, at, &settings->keys_dir);
}

static int take_ca_file(struct json_file *file, const struct json_at *at, void *target)
{
    struct settings *settings = target;
    return take_path(file, at, &settings->ca_file);
}

static int take_proxy(struct json_file *file, const struct json_at *at, void *target)
{
    struct settings *settings = target;
    return json_take_string(file, at, STRING_MAX, &settings->proxy);
}

static const struct json_member fetch_members[] = {
    {"ca_file", false, take_ca_file},
    {"proxy", false, take_proxy},
    {NULL, false, NULL},
};

static int take_fetch(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_object(file, at, fetch_members, target);
}

static const struct json_member agent_members[] = {
    {"profiles_dir", false, take_profiles_dir},
    {"provider_keys_dir", false, take_keys_dir},
    {"fetch", false, take_fetch},
    {NULL, false, NULL},
};

static int load_agent(const char *path, struct settings *settings, char *error)
{
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0) {
        struct json_at root = {.value = file.root};
        r = json_take_members(&file, &root, agent_members, settings);
    }
    if (r < 0)
        snprintf(error, SETTINGS_ERROR_MAX, "%s", file.error);
    json_file_close(&file);
    return r;
}

/* A profile that is being read. */
struct loading {
    struct settings *settings;
    bool seals;
    json_int_t max_stale;
    bool without_use;
};

static int take_max_stale(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    return json_take_integer(file, at, SETTINGS_STALE_MIN, SETTINGS_STALE_MAX, &loading->max_stale);
}

static int take_without_use(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    if (!json_is_boolean(at->value))
        return json_file_error(file, at, "must be true or false");
    loading->without_use = json_is_true(at->value);
    return 0;
}

static const struct json_member seal_members[] = {
    {"max_stale", false, take_max_stale},
    {"without_use", false, take_without_use},
    {NULL, false, NULL},
};

static int take_seal(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->seals = true;
    return json_take_members(file, at, seal_members, loading);
}

/* The issuer's entry, new or not; NULL when there are too many, or without memory. */
static struct settings_issuer *add_issuer(struct settings *settings, const char *issuer)
{
    for (size_t i = 0; i < settings->issuer_count; i++)
        if (strcmp(settings->issuers[i].issuer, issuer) == 0)
            return &settings->issuers[i];
    if (settings->issuer_count == SETTINGS_ISSUERS_MAX)
        return NULL;
    struct settings_issuer *entry = &settings->issuers[settings->issuer_count];
    *entry = (struct settings_issuer){.issuer = strdup(issuer), .max_stale = SETTINGS_STALE_MAX};
    if (!entry->issuer)
        return NULL;
    settings->issuer_count++;
    return entry;
}

static int take_audience(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    char name[PROVIDER_KEYS_NAME_SIZE];
    const char *issuer = json_string_value(at->value);
    if (!issuer || provider_keys_file_name(issuer, name) < 0)
        return json_file_error(file, at,
                               "must be an https URL without user, query and fragment: the keys of "
                               "this issuer are to be found");
    struct settings_issuer *entry = add_issuer(loading->settings, issuer);
    if (!entry)
        return json_file_error(file, at, "is more than the %d issuers there may be",
                               SETTINGS_ISSUERS_MAX);
    if (loading->max_stale < entry->max_stale)
        entry->max_stale = (long)loading->max_stale;
    entry->without_use |= loading->without_use;
    return 0;
}

static int take_audiences(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, SETTINGS_AUDIENCES_MAX, take_audience, target);
}

/* Two passes, as the audiences matter only to a profile that seals. */
static const struct json_member first_members[] = {
    {"seal", false, take_seal},
    {NULL, false, NULL},
};
static const struct json_member second_members[] = {
    {"audiences", true, take_audiences},
    {NULL, false, NULL},
};

static int load_profile(struct settings *settings, const char *path, char *error)
{
    struct loading loading = {.settings = settings, .max_stale = PROVIDER_KEYS_MAX_STALE};
    struct json_file file;
    int r = json_file_open(&file, path);
    if (r == 0) {
        struct json_at root = {.value = file.root};
        r = json_take_members(&file, &root, first_members, &loading);
        if (r == 0 && loading.seals)
            r = json_take_members(&file, &root, second_members, &loading);
    }
    if (r < 0)
        snprintf(error, SETTINGS_ERROR_MAX, "%s", file.error);
    json_file_close(&file);
    return r;
}

static bool is_profile(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".json") == 0;
}

static int load_named_profile(struct settings *settings, const char *name, char *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", settings->profiles_dir, name) < 0) {
        snprintf(error, SETTINGS_ERROR_MAX, "out of memory");
        return -1;
    }
    int r = load_profile(settings, path, error);
    free(path);
    return r;
}

static int load_profiles(struct settings *settings, char *error)
{
    DIR *dir = opendir(settings->profiles_dir);
    if (!dir) {
        snprintf(error, SETTINGS_ERROR_MAX, "%s: %s", settings->profiles_dir, strerror(errno));
        return -1;
    }
    int r = 0;
    const struct dirent *entry;
    for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0)
        if (is_profile(entry->d_name))
            r = load_named_profile(settings, entry->d_name, error);
    if (r == 0 && errno != 0) { /* this is not the end of the folder */
        snprintf(error, SETTINGS_ERROR_MAX, "%s: %s", settings->profiles_dir, strerror(errno));
        r = -1;
    }
    closedir(dir);
    return r;
}

/* What agent.json may leave out. Returns -1 without memory. */
static int set_defaults(struct settings *settings, char *error)
{
    if (!settings->keys_dir)
        settings->keys_dir = strdup(PROVIDER_KEYS_DIR);
    if (!settings->profiles_dir)
        settings->profiles_dir = strdup(SETTINGS_PROFILES_DIR);
    if (settings->keys_dir && settings->profiles_dir)
        return 0;
    snprintf(error, SETTINGS_ERROR_MAX, "out of memory");
    return -1;
}

int settings_load(const char *path, struct settings **ret_settings,
                  char error[static SETTINGS_ERROR_MAX])
{
    struct settings *settings = calloc(1, sizeof *settings);
    if (!settings) {
        snprintf(error, SETTINGS_ERROR_MAX, "out of memory");
        return -1;
    }
    int r = load_agent(path, settings, error);
    if (r == 0)
        r = set_defaults(settings, error);
    if (r == 0)
        r = load_profiles(settings, error);
    if (r < 0) {
        settings_free(settings);
        return r;
    }
    *ret_settings = settings;
    return 0;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->issuer_count; i++)
        free(settings->issuers[i].issuer);
    free(settings->profiles_dir);
    free(settings->keys_dir);
    free(settings->ca_file);
    free(settings->proxy);
    free(settings);
}
