/* Writes the records of what happens to the agent and its tokens. */
#include "config.h"
#include "agent/audit_event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#define PROFILES_MAX ((size_t)24 * 1024) /* bytes of their list in a record */

/* As an auditor asks: may the times in the log be believed? */
static const char *clock_state(void)
{
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);
    if (state < 0)
        return "unknown";
    return state == TIME_ERROR || clock.status & STA_UNSYNC ? "unsynchronized" : "synchronized";
}

static void put_list(struct text *list, const struct conf *conf)
{
    text_put(list, "[");
    for (size_t i = 0; i < conf->profile_count; i++) {
        text_put(list, i ? ",{\"name\":\"" : "{\"name\":\"");
        text_put(list, conf->profiles[i]->name);
        text_put(list, "\"");
        audit_record_hash(list, "sha256", conf->profiles[i]->sha256);
        text_put(list, "}");
    }
    text_put(list, "]");
}

/* Of more profiles than a line has room for, how many there are and the hash of the list. */
static void put_profiles(struct text *members, const struct conf *conf)
{
    struct text list = {0};
    unsigned char hash[AUDIT_HASH_BYTES];
    put_list(&list, conf);
    if (list.length <= PROFILES_MAX) {
        text_put(members, ",\"profiles\":");
        text_add(members, list.data, list.length);
    } else if (audit_record_sha256(conf->sha256_method, list.data, list.length, hash)) {
        audit_record_integer(members, "profile_count", (int64_t)conf->profile_count);
        audit_record_hash(members, "profiles_sha256", hash);
    }
    members->failed |= list.failed;
    text_free(&list);
}

static void put_configuration(struct text *members, const struct conf *conf)
{
    audit_record_integer(members, "configuration", conf->generation);
    audit_record_hash(members, "configuration_sha256", conf->sha256);
    put_profiles(members, conf);
}

void audit_event_start(struct audit_keeper *keeper, const struct conf *conf)
{
    struct text members = {0};
    audit_record_begin(&members, "start");
    audit_record_string(&members, "version", PACKAGE_VERSION);
    put_configuration(&members, conf);
    audit_record_string(&members, "clock", clock_state());
    audit_keeper_add(keeper, &members);
}

void audit_event_reload(struct audit_keeper *keeper, const struct conf *conf)
{
    struct text members = {0};
    audit_record_begin(&members, "reload");
    put_configuration(&members, conf);
    audit_keeper_add(keeper, &members);
}

void audit_event_reload_failed(struct audit_keeper *keeper, const struct conf *conf,
                               const char *error)
{
    struct text members = {0};
    audit_record_begin(&members, "reload");
    audit_record_integer(&members, "configuration", conf->generation);
    audit_record_string(&members, "error", error);
    audit_keeper_add(keeper, &members);
}

void audit_event_stop(struct audit_keeper *keeper, const char *error)
{
    struct text members = {0};
    audit_record_begin(&members, "stop");
    audit_record_string(&members, "error", error);
    audit_keeper_add(keeper, &members);
}

void audit_event_login(struct audit_keeper *keeper, const char *type, const char *token,
                       const struct peer *peer, const char *error)
{
    struct text members = {0};
    audit_record_begin(&members, type);
    audit_record_string(&members, "token", token);
    if (peer && peer->identified)
        audit_record_integer(&members, "uid", peer->uid);
    if (peer && peer->pid > 0)
        audit_record_integer(&members, "pid", peer->pid);
    audit_record_string(&members, "error", error);
    audit_keeper_add(keeper, &members);
}

void audit_event_token(struct audit_keeper *keeper, const struct token *token,
                       enum token_state state)
{
    struct text members = {0};
    audit_record_begin(&members, "token_state");
    audit_record_string(&members, "token", token->name);
    audit_record_string(&members, "state", token_state_name(state));
    audit_keeper_add(keeper, &members);
}

void audit_event_doubtful(struct audit_keeper *keeper, const struct token *token,
                          const struct key *key, const char *since)
{
    struct text members = {0};
    audit_record_begin(&members, "doubtful");
    audit_record_string(&members, "token", token->name);
    audit_record_string(&members, "key", key->label);
    audit_record_string(&members, "key_digest", key->digest);
    audit_record_string(&members, "since", since);
    audit_keeper_add(keeper, &members);
}

/* One object: what it is called and what it may do, as the token tells it. */
static bool hash_object(const struct crypto *crypto, const struct object *object,
                        unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    struct text text = {0};
    text_integer(&text, (int64_t)object->object_class);
    text_put(&text, " ");
    text_integer(&text, (int64_t)object->key_type);
    text_put(&text, " ");
    text_integer(&text, object->set);
    text_put(&text, " ");
    text_hex(&text, object->id, object->id_len);
    text_put(&text, " ");
    text_hex(&text, (const unsigned char *)object->label, object->label_len);
    bool good = !text.failed &&
                audit_record_sha256(crypto->digests[MECH_SHA256], text.data, text.length, ret_hash);
    text_free(&text);
    return good;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, AUDIT_HASH_BYTES);
}

/* In no order of the token's: sorted. */
static bool hash_index(const struct crypto *crypto, const struct index *index,
                       unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    unsigned char(*hashes)[AUDIT_HASH_BYTES] = calloc(index->count + 1, sizeof *hashes);
    bool good = hashes != NULL;
    for (size_t i = 0; good && i < index->count; i++)
        good = hash_object(crypto, &index->objects[i], hashes[i]);
    if (good) {
        qsort(hashes, index->count, sizeof *hashes, by_bytes);
        good = audit_record_sha256(crypto->digests[MECH_SHA256], hashes,
                                   index->count * sizeof *hashes, ret_hash);
    }
    free(hashes);
    return good;
}

void audit_event_keys(struct audit_keeper *keeper, const struct crypto *crypto,
                      const struct token *token, unsigned char last[static AUDIT_HASH_BYTES])
{
    unsigned char hash[AUDIT_HASH_BYTES];
    if (!keeper || !hash_index(crypto, &token->index, hash) || memcmp(hash, last, sizeof hash) == 0)
        return;
    memcpy(last, hash, sizeof hash);
    struct text members = {0};
    audit_record_begin(&members, "key_set");
    audit_record_string(&members, "token", token->name);
    audit_record_integer(&members, "keys", (int64_t)token->index.count);
    audit_record_hash(&members, "sha256", hash);
    audit_keeper_add(keeper, &members);
}
