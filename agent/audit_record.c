/* Writes the members of an audit line, in their fixed order. */
#include "config.h"
#include "agent/audit_record.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void put_name(struct text *line, const char *name)
{
    text_put(line, ",\"");
    text_put(line, name);
    text_put(line, "\":");
}

void audit_record_string(struct text *line, const char *name, const char *value)
{
    if (!value)
        return;
    put_name(line, name);
    text_string(line, value, strlen(value));
}

void audit_record_integer(struct text *line, const char *name, int64_t value)
{
    put_name(line, name);
    text_integer(line, value);
}

static void put_hex(struct text *line, const char *name, const unsigned char *bytes, size_t length)
{
    put_name(line, name);
    text_put(line, "\"");
    text_hex(line, bytes, length);
    text_put(line, "\"");
}

void audit_record_hash(struct text *line, const char *name,
                       const unsigned char hash[AUDIT_HASH_BYTES])
{
    put_hex(line, name, hash, AUDIT_HASH_BYTES);
}

void audit_record_now(char ret_time[static AUDIT_TIME_MAX])
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(ret_time, AUDIT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_time + n, AUDIT_TIME_MAX - n, ".%06ldZ", now.tv_nsec / 1000);
}

void audit_record_time(struct text *line)
{
    char time[AUDIT_TIME_MAX];
    audit_record_now(time);
    audit_record_string(line, "time", time);
}

void audit_record_statement(struct text *text, int64_t covers,
                            const unsigned char hash[static AUDIT_HASH_BYTES], const char *time)
{
    text_put(text, "hintsign audit checkpoint\n{\"covers\":");
    text_integer(text, covers);
    audit_record_hash(text, "sha256", hash);
    audit_record_string(text, "time", time);
    text_put(text, "}");
}

bool audit_record_sha256(const EVP_MD *sha256, const void *data, size_t length,
                         unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    return EVP_Digest(data, length, ret_hash, NULL, sha256, NULL) == 1;
}

void audit_record_begin(struct text *line, const char *type)
{
    text_clear(line);
    audit_record_time(line);
    audit_record_string(line, "type", type);
}

static void put_peer(struct text *line, const struct peer *peer)
{
    audit_record_string(line, "listener", peer->listener);
    if (peer->identified) {
        audit_record_integer(line, "uid", peer->uid);
        audit_record_integer(line, "gid", peer->gid);
    }
    if (peer->pid > 0)
        audit_record_integer(line, "pid", peer->pid);
    audit_record_string(line, "unit", peer->unit);
}

void audit_record_write(struct text *line, const struct audit_record *record,
                        const unsigned char *token_hash)
{
    audit_record_string(line, "type", record->type);
    put_peer(line, record->peer);
    audit_record_integer(line, "configuration", record->configuration);
    audit_record_string(line, "profile", record->profile);
    if (record->allowed)
        audit_record_integer(line, "allow", (int64_t)record->allow);
    audit_record_string(line, "key", record->key);
    audit_record_string(line, "key_digest", record->key_digest);
    audit_record_string(line, "audience", record->audience);
    audit_record_string(line, "alg", record->algorithm);
    audit_record_string(line, "kid", record->kid);
    audit_record_string(line, "jti", record->jti);
    if (record->token)
        audit_record_hash(line, "token_sha256", token_hash);
    if (record->digest)
        put_hex(line, "digest", record->digest, record->digest_length);
    audit_record_string(line, "reference", record->reference);
    audit_record_string(line, "error", record->error);
}
