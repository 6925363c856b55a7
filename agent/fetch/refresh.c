/* Takes one issuer from its metadata to its keys, and these into its file. */
#include "config.h"
#include "agent/fetch/refresh.h"
#include "agent/provider_keys_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* "URL: what is wrong". */
static int fail(char *error, const char *url, const char *what)
{
    snprintf(error, REFRESH_ERROR_MAX, "%.200s: %s", url, what);
    return -1;
}

static int get(const struct refresh_means *means, const char *url,
               struct http_document *ret_document, char *error)
{
    char what[HTTP_ERROR_MAX];
    if (http_get(&means->http, url, ret_document, what) == 0)
        return 0;
    snprintf(error, REFRESH_ERROR_MAX, "%s", what);
    return -1;
}

static int get_jwks_uri(const struct refresh_means *means, const char *issuer, char **ret_uri,
                        char *error)
{
    char url[DISCOVERY_URL_SIZE], what[DISCOVERY_ERROR_MAX];
    struct http_document document;
    discovery_url(issuer, url);
    if (get(means, url, &document, error) < 0)
        return -1;
    int r = discovery_jwks_uri(document.text, document.length, issuer, ret_uri, what);
    http_document_free(&document);
    return r == 0 ? 0 : fail(error, url, what);
}

static int get_keys(const struct refresh_means *means, const char *uri, bool without_use,
                    struct refresh *refresh, json_t **ret_keys, char *error)
{
    char what[DISCOVERY_ERROR_MAX];
    struct http_document document;
    if (get(means, uri, &document, error) < 0)
        return -1;
    int r = discovery_keys(means->jose, document.text, document.length, without_use, ret_keys,
                           refresh->left_out, what);
    refresh->max_age = document.max_age;
    http_document_free(&document);
    return r == 0 ? 0 : fail(error, uri, what);
}

/* Gets the keys and writes the file; `old` is NULL where there is none. */
static int fetch(const struct refresh_means *means, const struct settings_issuer *entry,
                 const json_t *old, struct refresh *refresh, char *error)
{
    char what[JSON_FILE_ERROR_MAX];
    char *uri = NULL;
    json_t *keys = NULL;
    time_t now = time(NULL); /* before the provider answers: the keys are no younger than that */
    int r = get_jwks_uri(means, entry->issuer, &uri, error);
    if (r == 0)
        r = get_keys(means, uri, entry->without_use, refresh, &keys, error);
    free(uri);
    if (r < 0)
        return r;
    refresh->keys = json_array_size(keys);
    refresh->changed = !json_equal(keys, old);
    r = provider_keys_file_write(means->dir, entry->issuer, now, keys, what);
    if (r < 0)
        snprintf(error, REFRESH_ERROR_MAX, "%s", what);
    json_decref(keys);
    return r;
}

int refresh_issuer(const struct refresh_means *means, const struct settings_issuer *entry,
                   struct refresh *ret_refresh, char error[static REFRESH_ERROR_MAX])
{
    struct refresh refresh = {.max_age = HTTP_MAX_AGE_UNSAID};
    struct provider_keys_file old;
    int r = provider_keys_file_read(&old, means->dir, entry->issuer);
    if (r == 0 && old.fetched_at == PROVIDER_KEYS_PINNED) {
        refresh.pinned = true;
    } else if (r == PROVIDER_KEYS_FILE_BAD) {
        snprintf(error, REFRESH_ERROR_MAX, "%s: repair or remove this file first", old.json.error);
    } else {
        r = fetch(means, entry, old.keys, &refresh, error);
    }
    provider_keys_file_close(&old);
    if (r == 0)
        *ret_refresh = refresh;
    return r < 0 ? -1 : 0;
}
