/* Records what ceremonies are about to do, and what they have done. */
#include "config.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/show.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 256
#define URI_MAX  (sizeof "pkcs11:id=" + (size_t)3 * OBJECT_ID_MAX)

static bool put(json_t *record, const char *name, json_t *value)
{
    return json_object_set_new(record, name, value) == 0;
}

static bool put_string(json_t *record, const char *name, const char *value)
{
    return !value || put(record, name, show_name(value, strlen(value)));
}

/* --- which key it is --- */

/* The digest that the agent's audit log has of the key used with `mech`, or "". All tokens must
 * have the same key. */
static void find_digest(const struct ceremony *ceremony, const struct mech *mech,
                        char ret_digest[static KEY_DIGEST_HEX + 1])
{
    struct p11_error error;
    struct keyring *keyring = NULL;
    struct key *key;
    char uri[URI_MAX] = "pkcs11:id=";
    size_t length = strlen(uri);
    for (size_t i = 0; i < ceremony->id_len; i++)
        length += (size_t)snprintf(uri + length, sizeof uri - length, "%%%02x", ceremony->id[i]);
    const struct tokens *tokens = ceremony->tokens;
    int r = keyring_new(ceremony->transcript->crypto, (struct token **)tokens->list, tokens->count,
                        &keyring, &error);
    if (r == 0)
        r = keyring_add(keyring, uri, mech, &key, &error);
    for (size_t i = 0; i < tokens->count && r == 0; i++)
        r = keyring_resolve(keyring, tokens->list[i], 1, &error);
    ret_digest[0] = '\0';
    if (r == 0 && atomic_load(&key->ready))
        memcpy(ret_digest, key->digest, sizeof key->digest);
    keyring_unref(keyring);
}

/* What the key is for, as far as is known, and its digest. A key that does not sign has none: that
 * is no error. */
static bool put_key(const struct ceremony *ceremony, bool key_is_there, json_t *record)
{
    char digest[KEY_DIGEST_HEX + 1] = "";
    const struct mech *mech = ceremony->mech;
    if (key_is_there && mech)
        find_digest(ceremony, mech, digest);
    for (size_t i = 0; key_is_there && !ceremony->mech && !digest[0] && mech_at(i); i++) {
        find_digest(ceremony, mech_at(i), digest);
        mech = digest[0] ? mech_at(i) : NULL;
    }
    return put_string(record, "alg", mech ? mech->algorithm : NULL) &&
           put_string(record, "key_digest", digest[0] ? digest : NULL);
}

/* The tokens have changed since they were indexed. Where one does not answer any more, what it had
 * before is looked at. */
static void index_again(const struct ceremony *ceremony)
{
    struct p11_error error;
    for (size_t i = 0; i < ceremony->tokens->count; i++)
        (void)token_index(ceremony->tokens->list[i], &error);
}

/* --- the record --- */

/* All of them, or those that `which` says. Without any there is no such member. */
static bool put_tokens(const struct ceremony *ceremony, const char *name, const bool *which,
                       json_t *record)
{
    json_t *list = json_array();
    bool good = list;
    for (size_t i = 0; ceremony->tokens && i < ceremony->tokens->count && good; i++) {
        const CK_TOKEN_INFO *info = &ceremony->tokens->list[i]->info;
        if (which && !which[i])
            continue;
        json_t *label = show_padded(info->label, sizeof info->label);
        json_t *serial = show_padded(info->serialNumber, sizeof info->serialNumber);
        good = json_array_append_new(
                   list, json_pack("{s:o, s:o}", "label", label, "serial", serial)) == 0;
    }
    if (json_array_size(list) > 0)
        good = good && json_object_set(record, name, list) == 0;
    json_decref(list);
    return good;
}

static bool put_who(json_t *record)
{
    char host[HOST_MAX] = "";
    gethostname(host, sizeof host - 1);
    return put(record, "uid", json_integer((json_int_t)getuid())) &&
           put_string(record, "host", host);
}

static bool put_id(const struct ceremony *ceremony, json_t *record)
{
    char id[2 * OBJECT_ID_MAX + 1] = "";
    for (size_t i = 0; i < ceremony->id_len; i++)
        snprintf(id + 2 * i, 3, "%02x", ceremony->id[i]);
    return !id[0] || put_string(record, "id", id);
}

/* `failure` is NULL unless the outcome is "failed". */
static int append(const struct ceremony *ceremony, const char *outcome, const char *failure,
                  bool key_is_there, struct p11_error *error)
{
    if (!ceremony->transcript->path)
        return 0;
    json_t *record = json_object();
    bool good = record && put_who(record) && put_string(record, "command", ceremony->command) &&
                put_string(record, "outcome", outcome) &&
                put_tokens(ceremony, "tokens", NULL, record) &&
                put_string(record, "label", ceremony->label) && put_id(ceremony, record) &&
                put_string(record, "key_type", ceremony->key_type) &&
                put_string(record, "derive", ceremony->derivation) &&
                put_string(record, "kek", ceremony->kek);
    key_is_there = key_is_there && ceremony->tokens;
    if (key_is_there && !ceremony->deletes)
        index_again(ceremony);
    good = good && put_key(ceremony, key_is_there && ceremony->id_len, record) &&
           put_string(record, "error", failure) &&
           put_tokens(ceremony, "left_on", ceremony->left_on, record);
    int r = good ? transcript_append(ceremony->transcript, "ceremony", record, error)
                 : p11_error_text(error, P11_MEMORY, "out of memory");
    json_decref(record);
    return r;
}

/* Without a token there is nothing that could stay half-way. */
static void hold_signals(struct ceremony *ceremony)
{
    if (ceremony->tokens)
        guard_hold_signals(&ceremony->signals);
}

static void release_signals(const struct ceremony *ceremony)
{
    if (ceremony->tokens)
        guard_release_signals(&ceremony->signals);
}

int ceremony_begin(struct ceremony *ceremony, struct p11_error *error)
{
    hold_signals(ceremony);
    int r = append(ceremony, "begun", NULL, ceremony->deletes, error);
    if (r < 0)
        release_signals(ceremony);
    return r;
}

int ceremony_end(struct ceremony *ceremony, int result, struct p11_error *error)
{
    struct p11_error failure;
    char text[P11_ERROR_TEXT_MAX];
    int r = result < 0 ? append(ceremony, "failed", p11_error_describe(error, text, sizeof text),
                                false, &failure)
                       : append(ceremony, "done", NULL, !ceremony->deletes, &failure);
    release_signals(ceremony);
    if (result < 0 || r == 0)
        return result;
    return p11_error_text(error, r, "it is done, but not recorded: %s",
                          p11_error_describe(&failure, text, sizeof text));
}
