/* Checks the documents of OpenID Connect Discovery, which strangers wrote. */
#include "config.h"
#include "agent/fetch/discovery.h"
#include "agent/jose/jwks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WELL_KNOWN "/.well-known/openid-configuration"
#define QUOTE_MAX  200 /* bytes shown of a string of theirs */

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, DISCOVERY_ERROR_MAX, format, args);
    va_end(args);
    return -1;
}

void discovery_url(const char *issuer, char ret_url[static DISCOVERY_URL_SIZE])
{
    size_t length = strlen(issuer);
    if (length > 0 && issuer[length - 1] == '/')
        length--;
    snprintf(ret_url, DISCOVERY_URL_SIZE, "%.*s" WELL_KNOWN, (int)length, issuer);
}

/* Returns NULL with `error` filled in. */
static json_t *parse_object(const char *text, size_t length, char *error)
{
    json_error_t where;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (json && json_is_object(json))
        return json;
    if (json)
        fail(error, "is no JSON object");
    else
        fail(error, "is no JSON: line %d: %s", where.line, where.text);
    json_decref(json);
    return NULL;
}

static int check_issuer(const json_t *metadata, const char *issuer, char *error)
{
    const json_t *member = json_object_get(metadata, "issuer");
    if (!json_is_string(member))
        return fail(error, "has no \"issuer\"");
    if (strcmp(json_string_value(member), issuer) == 0)
        return 0;
    /* Escaped, so that nobody writes into our log with it. */
    char *shown = json_dumps(member, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fail(error, "is of another issuer: %.*s", QUOTE_MAX, shown ? shown : "");
    free(shown);
    return -1;
}

static int take_jwks_uri(const json_t *metadata, char **ret_uri, char *error)
{
    const char *uri = json_string_value(json_object_get(metadata, "jwks_uri"));
    if (!uri)
        return fail(error, "has no \"jwks_uri\"");
    if (strlen(uri) > DISCOVERY_URI_MAX)
        return fail(error, "\"jwks_uri\" is longer than %d bytes", DISCOVERY_URI_MAX);
    for (const char *c = uri; *c; c++)
        if (*c <= 0x20 || *c > 0x7e)
            return fail(error, "\"jwks_uri\" has a character that no URL has");
    if (strncmp(uri, "https://", strlen("https://")) != 0)
        return fail(error, "\"jwks_uri\" is not https: %.*s", QUOTE_MAX, uri);
    char *copy = strdup(uri);
    if (!copy)
        return fail(error, "out of memory");
    *ret_uri = copy;
    return 0;
}

int discovery_jwks_uri(const char *text, size_t length, const char *issuer, char **ret_uri,
                       char error[static DISCOVERY_ERROR_MAX])
{
    json_t *metadata = parse_object(text, length, error);
    if (!metadata)
        return -1;
    int r = check_issuer(metadata, issuer, error);
    if (r == 0)
        r = take_jwks_uri(metadata, ret_uri, error);
    json_decref(metadata);
    return r;
}

/* A set is of use when one of these has a key in it; which of them a token takes is the agent's
 * affair. */
static const char *const sealing[] = {
    "RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW",
};
#define SEALING (sizeof sealing / sizeof sealing[0])

/* All that a key file says of a key; nothing private among them. */
static const char *const public_members[] = {
    "kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops",
};
#define PUBLIC_MEMBERS (sizeof public_members / sizeof public_members[0])

static int check_serves(const struct jwks *jwks, bool without_use, const char **error)
{
    const struct alg *algs[SEALING], *alg;
    const struct jwk *key;
    for (size_t i = 0; i < SEALING; i++)
        algs[i] = alg_find(sealing[i]);
    return jwks_choose(jwks, algs, SEALING, without_use, &key, &alg, error);
}

/* Writes "keys[1]: why; keys[4]: why", as much of it as fits. */
static void note_left_out(const struct jwks *jwks, char note[static DISCOVERY_NOTE_MAX])
{
    size_t used = 0;
    note[0] = '\0';
    for (size_t i = 0; i < jwks->count && used < DISCOVERY_NOTE_MAX; i++)
        if (jwks->keys[i].skipped)
            used += (size_t)snprintf(note + used, DISCOVERY_NOTE_MAX - used, "%skeys[%zu]: %s",
                                     used ? "; " : "", i, jwks->keys[i].skipped);
}

static json_t *public_key(const json_t *key)
{
    json_t *copy = json_object();
    for (size_t i = 0; i < PUBLIC_MEMBERS; i++) {
        json_t *value = json_object_get(key, public_members[i]);
        if (value && json_object_set(copy, public_members[i], value) < 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

/* The keys that can serve, or NULL without memory. */
static json_t *public_keys(const struct jwks *jwks, const json_t *set)
{
    json_t *keys = json_array();
    for (size_t i = 0; keys && i < jwks->count; i++) {
        const struct jwks_key *key = &jwks->keys[i];
        if (key->skipped || (key->jwk.use != JWK_USE_ENC && key->jwk.use != JWK_USE_NONE))
            continue;
        if (json_array_append_new(
                keys, public_key(json_array_get(json_object_get(set, "keys"), i))) < 0) {
            json_decref(keys);
            return NULL;
        }
    }
    return keys;
}

static int take_keys(const struct jwks *jwks, bool without_use, const json_t *set,
                     json_t **ret_keys, char ret_left_out[static DISCOVERY_NOTE_MAX], char *error)
{
    char note[DISCOVERY_NOTE_MAX];
    const char *reason;
    note_left_out(jwks, note);
    if (check_serves(jwks, without_use, &reason) < 0)
        return fail(error, "%s%s%s", reason, note[0] ? ": " : "", note);
    json_t *keys = public_keys(jwks, set);
    if (!keys)
        return fail(error, "out of memory");
    memcpy(ret_left_out, note, sizeof note);
    *ret_keys = keys;
    return 0;
}

int discovery_keys(const struct jose *jose, const char *text, size_t length, bool without_use,
                   json_t **ret_keys, char ret_left_out[static DISCOVERY_NOTE_MAX],
                   char error[static DISCOVERY_ERROR_MAX])
{
    struct jwks *jwks;
    const char *reason;
    json_t *set = parse_object(text, length, error);
    if (!set)
        return -1;
    int r = jwks_parse(jose, set, &jwks, &reason);
    if (r < 0) {
        fail(error, "%s", reason);
    } else {
        r = take_keys(jwks, without_use, set, ret_keys, ret_left_out, error);
        jwks_free(jwks);
    }
    json_decref(set);
    return r < 0 ? -1 : 0;
}
