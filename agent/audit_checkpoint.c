/* Signs checkpoints: when there is something new, and a key that can sign. */
#include "config.h"
#include "agent/audit_checkpoint.h"
#include "agent/clock.h"
#include "agent/jose/base64url.h"
#include "agent/kid.h"
#include "agent/log.h"
#include "agent/profile.h"
#include "pkcs11/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define TRY_MS 1000 /* between two looks at a key that was not ready */

struct audit_checkpoints {
    struct audit *audit;
    const struct jose *jose;
    pthread_t thread;
    /* Of the thread: */
    struct text statement, members;
    int64_t covered; /* by the last checkpoint, whose own line proves itself */
    int64_t due;     /* CLOCK_MONOTONIC ms */
    bool wanted;     /* as soon as there is something new */
    bool failing;

    pthread_mutex_t lock; /* of all below */
    struct conf *conf;
    bool stop;
};

static struct conf *current_conf(struct audit_checkpoints *checkpoints, bool *ret_stop)
{
    pthread_mutex_lock(&checkpoints->lock);
    struct conf *conf = conf_ref(checkpoints->conf);
    *ret_stop = checkpoints->stop;
    pthread_mutex_unlock(&checkpoints->lock);
    return conf;
}

/* What a checkpoint is made of. */
struct seal_parts {
    char time[AUDIT_TIME_MAX];
    char kid[PROFILE_STRING_MAX + 1];
    unsigned char signature[MECH_SIGNATURE_MAX];
    size_t signature_len;
};

static int sign(struct audit_checkpoints *checkpoints, struct key *key,
                const struct audit_mark *mark, struct seal_parts *ret_parts,
                struct p11_error *error)
{
    struct text *statement = &checkpoints->statement;
    audit_record_now(ret_parts->time);
    text_clear(statement);
    audit_record_statement(statement, mark->sequence, mark->hash, ret_parts->time);
    if (statement->failed ||
        kid_write(checkpoints->jose, key, NULL, ret_parts->kid, sizeof ret_parts->kid) < 0)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    return sign_run(key, statement->data, statement->length, 0, ret_parts->signature,
                    &ret_parts->signature_len, error);
}

static void put_signature(struct text *members, const struct seal_parts *parts)
{
    char signature[BASE64URL_LENGTH(MECH_SIGNATURE_MAX) + 1];
    base64url_encode(parts->signature, parts->signature_len, signature);
    signature[BASE64URL_LENGTH(parts->signature_len)] = '\0';
    audit_record_string(members, "signature", signature);
}

static int record(struct audit_checkpoints *checkpoints, const struct key *key,
                  const struct audit_mark *mark, const struct seal_parts *parts)
{
    struct text *members = &checkpoints->members;
    text_clear(members);
    audit_record_string(members, "time", parts->time);
    audit_record_string(members, "type", "checkpoint");
    audit_record_integer(members, "covers", mark->sequence);
    audit_record_hash(members, "sha256", mark->hash);
    audit_record_string(members, "alg", key->mech->algorithm);
    audit_record_string(members, "kid", parts->kid);
    put_signature(members, parts);
    return audit_write(checkpoints->audit, members);
}

/* The journal keeps it where the log's owner cannot change it. */
static void say(const struct audit_mark *mark)
{
    char hex[2 * AUDIT_HASH_BYTES + 1];
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", mark->hash[i]);
    log_info("audit: checkpoint %lld:%s", (long long)mark->sequence, hex);
}

static void fail(struct audit_checkpoints *checkpoints, const char *reason)
{
    if (!checkpoints->failing)
        log_error("audit: no checkpoint: %s; one is made when that has changed", reason);
    checkpoints->failing = true;
}

/* Returns whether there is one now. */
static bool make(struct audit_checkpoints *checkpoints, const struct conf *conf,
                 const struct audit_mark *mark)
{
    struct seal_parts parts;
    struct p11_error error;
    char reason[P11_ERROR_TEXT_MAX];
    struct key *key = conf_checkpoint_key(conf);
    if (!key) {
        fail(checkpoints, conf_checkpoint_reason(conf, reason, sizeof reason));
    } else if (sign(checkpoints, key, mark, &parts, &error) < 0) {
        fail(checkpoints, p11_error_describe(&error, reason, sizeof reason));
    } else if (record(checkpoints, key, mark, &parts) == 0) {
        say(mark);
        checkpoints->covered = mark->sequence;
        checkpoints->due = clock_ms() + AUDIT_CHECKPOINT_SECONDS * 1000;
        checkpoints->wanted = checkpoints->failing = false;
        return true;
    }
    return false;
}

/* Whether there is something new, and it is wanted, is enough or has waited long enough. */
static bool is_due(const struct audit_checkpoints *checkpoints, const struct audit_mark *mark)
{
    bool own = checkpoints->covered > 0; /* the last checkpoint's line is not new */
    int64_t lines = mark->sequence - checkpoints->covered - own;
    return lines > 0 && (checkpoints->wanted || lines >= AUDIT_CHECKPOINT_LINES ||
                         clock_ms() >= checkpoints->due);
}

static void *run(void *argument)
{
    struct audit_checkpoints *checkpoints = argument;
    bool stop = false, vain = false; /* as long as no checkpoint can be made, lines wake nobody */
    while (!stop) {
        int64_t enough = checkpoints->covered + 1 + AUDIT_CHECKPOINT_LINES;
        bool woken = audit_wait(checkpoints->audit, vain ? INT64_MAX : enough, TRY_MS);
        struct conf *conf = current_conf(checkpoints, &stop);
        struct audit_position position; /* at the end: with all that was before */
        audit_get_position(checkpoints->audit, &position);
        checkpoints->wanted |= woken || stop;
        vain = !conf->checkpoint_uri || (is_due(checkpoints, &position.synced) &&
                                         !make(checkpoints, conf, &position.synced));
        conf_unref(conf);
    }
    return NULL;
}

static void free_checkpoints(struct audit_checkpoints *checkpoints)
{
    pthread_mutex_destroy(&checkpoints->lock);
    conf_unref(checkpoints->conf);
    text_free(&checkpoints->statement);
    text_free(&checkpoints->members);
    free(checkpoints);
}

int audit_checkpoint_start(struct audit *audit, const struct jose *jose, struct conf *conf,
                           struct audit_checkpoints **ret_checkpoints)
{
    struct audit_checkpoints *checkpoints = calloc(1, sizeof *checkpoints);
    if (!checkpoints)
        return -ENOMEM;
    checkpoints->audit = audit;
    checkpoints->jose = jose;
    checkpoints->conf = conf_ref(conf);
    pthread_mutex_init(&checkpoints->lock, NULL);
    int r = pthread_create(&checkpoints->thread, NULL, run, checkpoints);
    if (r != 0) {
        free_checkpoints(checkpoints);
        return -r;
    }
    audit_wake(audit);
    *ret_checkpoints = checkpoints;
    return 0;
}

void audit_checkpoint_adopt(struct audit_checkpoints *checkpoints, struct conf *conf)
{
    if (!checkpoints)
        return;
    pthread_mutex_lock(&checkpoints->lock);
    struct conf *old = checkpoints->conf;
    checkpoints->conf = conf_ref(conf);
    pthread_mutex_unlock(&checkpoints->lock);
    conf_unref(old);
    audit_wake(checkpoints->audit);
}

bool audit_checkpoint_stop(struct audit_checkpoints *checkpoints, int seconds)
{
    if (!checkpoints)
        return true;
    struct timespec deadline = clock_in(seconds * 1000L);
    pthread_mutex_lock(&checkpoints->lock);
    checkpoints->stop = true;
    pthread_mutex_unlock(&checkpoints->lock);
    audit_wake(checkpoints->audit);
    if (!clock_join(checkpoints->thread, &deadline))
        return false;
    free_checkpoints(checkpoints);
    return true;
}
