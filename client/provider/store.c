/* OSSL_STORE: hintsign:PROFILE is a key, hintsign: is the list of those that the caller may use. */
#include "config.h"
#include "client/provider/agent.h"
#include "client/provider/key.h"
#include "client/provider/operations.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME     "hintsign:"
#define SOCKET     "?socket="
#define URI_MAX    512 /* bytes */
#define SOCKET_MAX 108 /* bytes of a socket's path */

/* A URI that was opened: one key, or a list of names. */
struct store {
    struct provider *provider;
    struct agent *agent;
    struct key *key;     /* NULL: it was given out, or there is a list */
    json_t *profiles;    /* of the list, or NULL */
    size_t next;         /* in the list */
    char query[URI_MAX]; /* of the list's own URI: all in it have the same */
};

static int store_close(void *context)
{
    struct store *store = context;
    key_unref(store->key);
    json_decref(store->profiles);
    agent_unref(store->agent);
    free(store);
    return 1;
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef", *place = c ? strchr(digits, c | 0x20) : NULL;
    return place ? (int)(place - digits) : -1;
}

/* Resolves %XX (RFC 3986 section 2.1). */
static int decode(const char *text, char *ret_path, size_t size)
{
    size_t length = 0;
    for (; *text; text++) {
        int c = (unsigned char)*text;
        if (c == '%') {
            int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);
            c = low < 0 ? 0 : high << 4 | low;
            text += 2;
        }
        if (c == 0 || length + 1 >= size)
            return 0;
        ret_path[length++] = (char)c;
    }
    ret_path[length] = '\0';
    return length > 0;
}

/* "hintsign:PROFILE" or "hintsign:", and perhaps "?socket=PATH". */
static int take_uri(struct store *store, const char *uri, char profile[static URI_MAX])
{
    char path[SOCKET_MAX];
    const char *name = uri + strlen(SCHEME), *query = strchr(name, '?');
    size_t length = query ? (size_t)(query - name) : strlen(name);
    if (strlen(uri) >= URI_MAX)
        return 0;
    memcpy(profile, name, length);
    profile[length] = '\0';
    strcpy(store->query, query ? query : "");
    if (query && (strncmp(query, SOCKET, strlen(SOCKET)) != 0 ||
                  !decode(query + strlen(SOCKET), path, sizeof path)))
        return 0;
    store->agent = query ? agent_new(path) : agent_ref(store->provider->agent);
    return store->agent != NULL;
}

static int load_list(struct store *store)
{
    char *json;
    if (!agent_profiles(store->provider, store->agent, &json))
        return 0;
    json_t *reply = json_loads(json, 0, NULL);
    free(json);
    store->profiles = json_incref(json_object_get(reply, "profiles"));
    json_decref(reply);
    return json_is_array(store->profiles) ||
           core_error(store->provider, CORE_PROTOCOL, "the agent's list is none");
}

static bool is_raw(const json_t *profile)
{
    const char *kind = json_string_value(json_object_get(profile, "kind"));
    return kind && strcmp(kind, "raw") == 0 && json_is_string(json_object_get(profile, "name"));
}

static void skip_others(struct store *store)
{
    while (store->next < json_array_size(store->profiles) &&
           !is_raw(json_array_get(store->profiles, store->next)))
        store->next++;
}

static int fill(struct store *store, const char *uri)
{
    char profile[URI_MAX];
    if (!take_uri(store, uri, profile))
        return core_error(store->provider, CORE_INVALID_URI,
                          "%s: it is hintsign:PROFILE or hintsign:, with ?socket=PATH if need be",
                          uri);
    if (profile[0])
        return key_load(store->provider, store->agent, profile, &store->key);
    if (!load_list(store))
        return 0;
    skip_others(store);
    return 1;
}

static void *store_open(void *provctx, const char *uri)
{
    if (strncasecmp(uri, SCHEME, strlen(SCHEME)) != 0)
        return NULL;
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->provider = provctx;
    if (fill(store, uri))
        return store;
    store_close(store);
    return NULL;
}

/* The reference is the pointer to the key; keymgmt.c, which loads it meanwhile, counts its own. */
static int give_key(struct store *store, OSSL_CALLBACK *give, void *argument)
{
    int type = OSSL_OBJECT_PKEY;
    struct key *key = store->key;
    OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)algorithm_key_type(key->type),
                               0),
        OSSL_PARAM_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof key),
        OSSL_PARAM_END,
    };
    store->key = NULL;
    int r = give(params, argument);
    key_unref(key);
    return r;
}

/* For people: "RS256 PS256, ready". */
static void describe(const json_t *profile, char *ret_text, size_t size)
{
    const json_t *algorithms = json_object_get(profile, "algorithms");
    const json_t *algorithm;
    size_t i, length = 0;
    json_array_foreach(algorithms, i, algorithm)
    {
        const char *name = json_string_value(algorithm);
        int n = snprintf(ret_text + length, size - length, "%s%s", i ? " " : "", name ? name : "?");
        if (n < 0 || (size_t)n >= size - length)
            return;
        length += (size_t)n;
    }
    snprintf(ret_text + length, size - length, ", %s",
             json_is_true(json_object_get(profile, "ready")) ? "ready" : "not ready");
}

static int give_name(struct store *store, OSSL_CALLBACK *give, void *argument)
{
    int type = OSSL_OBJECT_NAME;
    char name[2 * URI_MAX], about[URI_MAX] = "";
    const json_t *profile = json_array_get(store->profiles, store->next++);
    snprintf(name, sizeof name, SCHEME "%s%s", json_string_value(json_object_get(profile, "name")),
             store->query);
    describe(profile, about, sizeof about);
    OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_utf8_string(OSSL_OBJECT_PARAM_DATA, name, 0),
        OSSL_PARAM_utf8_string(OSSL_OBJECT_PARAM_DESC, about, 0),
        OSSL_PARAM_END,
    };
    skip_others(store);
    return give(params, argument);
}

static int store_load(void *context, OSSL_CALLBACK *give, void *argument,
                      OSSL_PASSPHRASE_CALLBACK *ask, void *ask_argument)
{
    struct store *store = context;
    (void)ask, (void)ask_argument;
    if (store->key)
        return give_key(store, give, argument);
    return store->profiles ? give_name(store, give, argument) : 0;
}

static int store_eof(void *context)
{
    const struct store *store = context;
    return !store->key && store->next >= json_array_size(store->profiles);
}

/* What is expected is for OpenSSL to sort out: there is one thing only. */
static const OSSL_PARAM *store_settable(void *provctx)
{
    static const OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
                                        OSSL_PARAM_END};
    (void)provctx;
    return params;
}

static int store_set_params(void *context, const OSSL_PARAM params[])
{
    (void)context, (void)params;
    return 1;
}

static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_STORE_OPEN, (void (*)(void))store_open},
    {OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, (void (*)(void))store_settable},
    {OSSL_FUNC_STORE_SET_CTX_PARAMS, (void (*)(void))store_set_params},
    {OSSL_FUNC_STORE_LOAD, (void (*)(void))store_load},
    {OSSL_FUNC_STORE_EOF, (void (*)(void))store_eof},
    {OSSL_FUNC_STORE_CLOSE, (void (*)(void))store_close},
    {0, NULL},
};

const OSSL_ALGORITHM store_algorithms[] = {
    {"hintsign", CORE_OURS, functions, "keys of hintsign-agent"},
    {NULL, NULL, NULL, NULL},
};
