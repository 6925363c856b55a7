/* Writes the members of an audit line, in their fixed order. */
#include "config.h"
#include "agent/audit_record.h"

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

void audit_record_true(struct text *line, const char *name)
{
    put_name(line, name);
    text_put(line, "true");
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

static int value_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_record_read_hash(const char *digits, unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++, digits += 2) {
        if (value_of(digits[0]) < 0 || value_of(digits[1]) < 0)
            return false;
        ret_hash[i] = (unsigned char)(value_of(digits[0]) << 4 | value_of(digits[1]));
    }
    return true;
}

static void put_digits(char *out, int count, long value)
{
    for (; count > 0; value /= 10)
        out[--count] = (char)('0' + value % 10);
}

/* By hand: strftime and snprintf take more instructions than all the rest of a line. */
void audit_record_now(char ret_time[static AUDIT_TIME_MAX])
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    memcpy(ret_time, "0000-00-00T00:00:00.000000Z", sizeof "0000-00-00T00:00:00.000000Z");
    put_digits(ret_time, 4, tm.tm_year + 1900);
    put_digits(ret_time + 5, 2, tm.tm_mon + 1);
    put_digits(ret_time + 8, 2, tm.tm_mday);
    put_digits(ret_time + 11, 2, tm.tm_hour);
    put_digits(ret_time + 14, 2, tm.tm_min);
    put_digits(ret_time + 17, 2, tm.tm_sec);
    put_digits(ret_time + 20, 6, now.tv_nsec / 1000);
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
    if (record->next_key)
        audit_record_true(line, "next_key");
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
