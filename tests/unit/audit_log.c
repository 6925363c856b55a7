/* Makes audit logs in memory, with checkpoints that a key of OpenSSL signs. */
#include "config.h"
#include "tests/unit/audit_log.h"
#include "agent/audit/checkpoint.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jwk_write.h"

#include <openssl/ecdsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HALF 32 /* bytes of r, and of s */

struct audit_log *audit_log_open(EVP_PKEY *key)
{
    struct audit_log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->key = key;
    return log;
}

void audit_log_close(struct audit_log *log)
{
    text_free(&log->text);
    free(log);
}

/* A clock of our own: a second a line. */
static void write_time(size_t index, char time[static LINE_TIME_LENGTH + 1])
{
    snprintf(time, LINE_TIME_LENGTH + 1, "2026-01-31T%02zu:%02zu:%02zu.123456Z", index / 3600 % 24,
             index / 60 % 60, index % 60);
}

void audit_log_record(struct audit_log *log, const char *type, const char *members)
{
    static const unsigned char zeros[AUDIT_HASH_BYTES];
    char time[LINE_TIME_LENGTH + 1];
    size_t start = log->text.length;
    assert_true(log->lines < AUDIT_LOG_LINES);
    write_time(log->lines, time);
    text_put(&log->text, "{\"seq\":");
    text_integer(&log->text, (int64_t)log->lines + 1);
    audit_record_string(&log->text, "time", time);
    audit_record_string(&log->text, "type", type);
    text_put(&log->text, members);
    audit_record_hash(&log->text, "prev", log->lines ? log->hashes[log->lines - 1] : zeros);
    text_put(&log->text, "}\n");
    assert_int_equal(EVP_Digest(log->text.data + start, log->text.length - start - 1,
                                log->hashes[log->lines], NULL, EVP_sha256(), NULL),
                     1);
    log->lines++;
    log->starts[log->lines] = log->text.length;
}

void audit_log_mint(struct audit_log *log, const char *reference)
{
    struct text members = {0};
    text_put(&members, ",\"listener\":\"default\",\"uid\":1000,\"profile\":\"acme\"");
    audit_record_string(&members, "reference", reference);
    text_add(&members, "", 1);
    audit_log_record(log, "mint", members.data);
    text_free(&members);
}

/* In JOSE's form, r||s. */
static void sign(EVP_PKEY *key, const struct text *data, unsigned char signature[static 2 * HALF])
{
    unsigned char der[128];
    size_t length = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL), 1);
    assert_int_equal(
        EVP_DigestSign(context, der, &length, (const unsigned char *)data->data, data->length), 1);
    EVP_MD_CTX_free(context);
    const unsigned char *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, HALF);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + HALF, HALF);
    ECDSA_SIG_free(pair);
}

void audit_log_checkpoint(struct audit_log *log, size_t covers)
{
    struct text data = {0}, members = {0};
    char time[LINE_TIME_LENGTH + 1], encoded[BASE64URL_LENGTH(2 * HALF) + 1] = "";
    unsigned char signature[2 * HALF];
    write_time(log->lines, time);
    text_put(&data, "hintsign audit checkpoint\n"
                    "{\"covers\":");
    text_integer(&data, (int64_t)covers);
    audit_record_hash(&data, "sha256", log->hashes[covers - 1]);
    audit_record_string(&data, "time", time);
    text_put(&data, "}");
    sign(log->key, &data, signature);
    base64url_encode(signature, sizeof signature, encoded);
    audit_record_integer(&members, "covers", (int64_t)covers);
    audit_record_hash(&members, "sha256", log->hashes[covers - 1]);
    audit_record_string(&members, "alg", "ES256");
    audit_record_string(&members, "kid", AUDIT_LOG_KID);
    audit_record_string(&members, "signature", encoded);
    text_add(&members, "", 1);
    audit_log_record(log, CHECKPOINT_TYPE, members.data);
    text_free(&members);
    text_free(&data);
}

void audit_log_cut(struct audit_log *log, size_t lines)
{
    log->lines = lines;
    log->text.length = log->starts[lines];
}

struct jwks *audit_log_keys(const struct jose *jose, const EVP_PKEY *key, const char *kid)
{
    char *text;
    size_t length;
    struct jwks *keys;
    const char *error;
    assert_int_equal(jwk_write(key, kid, "sig", "ES256", &text, &length), 0);
    json_t *set = json_pack("{s:[o]}", "keys", json_loadb(text, length, 0, NULL));
    assert_int_equal(jwks_parse(jose, set, &keys, &error), 0);
    json_decref(set);
    free(text);
    return keys;
}

const char *audit_log_line(const struct audit_log *log, size_t index, size_t *ret_length)
{
    *ret_length = log->starts[index + 1] - log->starts[index] - 1;
    return log->text.data + log->starts[index];
}
