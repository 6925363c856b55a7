/* The audit log: appends records to the chain and commits many batches with one write. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_file.h"
#include "agent/log.h"
#include "agent/refusal.h"
#include "agent/text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Where the chain stands. */
struct chain {
    int64_t sequence;
    unsigned char hash[AUDIT_HASH_BYTES]; /* of the last line; zeros before the first */
};

struct audit {
    struct audit_file file;
    enum conf_sync sync;
    const EVP_MD *sha256;
    EVP_MD_CTX *line_hash; /* under the lock */
    pthread_t syncer;      /* with CONF_SYNC_INTERVAL */
    bool has_syncer;

    pthread_mutex_t lock;   /* of all below, and of `file` while there is no leader */
    pthread_cond_t changed; /* a commit ended */
    pthread_cond_t stopping;
    bool stop;
    bool leading;        /* somebody writes `writing`, without the lock */
    bool dirty;          /* written, and not on disk yet */
    bool failing;        /* the last write failed */
    struct text pending; /* appended lines that nobody writes yet */
    struct text writing;
    struct chain last;    /* with all that was appended */
    struct chain durable; /* with all that was committed */
    uint64_t ticket;      /* counts all that was ever appended, also what was lost */
    uint64_t durable_ticket;
    uint64_t epoch;       /* raised when a write fails: what was not committed is lost */
    uint64_t epoch_floor; /* the last ticket that was committed before */
};

static bool hash_bytes(const struct audit *audit, EVP_MD_CTX *context, const void *data,
                       size_t length, unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    return EVP_DigestInit_ex2(context, audit->sha256, NULL) == 1 &&
           EVP_DigestUpdate(context, data, length) == 1 &&
           EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
}

/* The chain goes on from the last line. */
static int take_up_chain(struct audit *audit, const char *line, size_t length)
{
    if (!line)
        return 0;
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    audit->last.sequence = json_integer_value(json_object_get(record, "seq"));
    json_decref(record);
    if (audit->last.sequence < 1)
        return -1;
    if (!hash_bytes(audit, audit->line_hash, line, length, audit->last.hash))
        return -1;
    audit->durable = audit->last;
    return 0;
}

static void report(struct audit *audit, int r)
{
    if (r < 0 && !audit->failing)
        log_error("audit: cannot write the log: %s; nothing is given out until it can be",
                  strerror(-r));
    else if (r == 0 && audit->failing)
        log_info("audit: the log can be written again");
    audit->failing = r < 0;
}

/* CONF_SYNC_INTERVAL: on disk within a second. */
static void *sync_every_second(void *argument)
{
    struct audit *audit = argument;
    pthread_mutex_lock(&audit->lock);
    while (!audit->stop) {
        struct timespec next;
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_sec++;
        pthread_cond_timedwait(&audit->stopping, &audit->lock, &next);
        if (!audit->dirty)
            continue;
        audit->dirty = false;
        pthread_mutex_unlock(&audit->lock);
        int r = fdatasync(audit->file.fd) < 0 ? -errno : 0;
        pthread_mutex_lock(&audit->lock);
        audit->dirty |= r < 0;
        report(audit, r);
    }
    pthread_mutex_unlock(&audit->lock);
    return NULL;
}

static int start(struct audit *audit, const char *path, char *error)
{
    char *line = NULL;
    size_t length = 0;
    off_t torn = 0;
    int r = audit_file_open(path, &audit->file, &line, &length, &torn);
    if (r < 0) {
        snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
                 r == -EBUSY ? "another agent writes this audit log" : strerror(-r));
        return r;
    }
    if (torn > 0)
        log_warning("audit: %s ended with %lld bytes of an unfinished line, which were removed",
                    path, (long long)torn);
    r = take_up_chain(audit, line, length);
    free(line);
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s: the last line is no audit record", path);
    else if (audit->sync == CONF_SYNC_INTERVAL) {
        r = -pthread_create(&audit->syncer, NULL, sync_every_second, audit);
        audit->has_syncer = r == 0;
    }
    return r;
}

int audit_open(const char *path, enum conf_sync sync, const EVP_MD *sha256,
               struct audit **ret_audit, char error[static CONF_ERROR_MAX])
{
    struct audit *audit = calloc(1, sizeof *audit);
    snprintf(error, CONF_ERROR_MAX, "out of memory");
    if (!audit)
        return -1;
    audit->sync = sync;
    audit->sha256 = sha256;
    audit->line_hash = EVP_MD_CTX_new();
    audit->file.fd = -1;
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->changed, NULL);
    pthread_cond_init(&audit->stopping, NULL);
    if (!audit->line_hash || start(audit, path, error) < 0) {
        audit_close(audit);
        return -1;
    }
    *ret_audit = audit;
    return 0;
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    pthread_mutex_lock(&audit->lock);
    audit->stop = true;
    pthread_cond_broadcast(&audit->stopping);
    pthread_mutex_unlock(&audit->lock);
    if (audit->has_syncer)
        pthread_join(audit->syncer, NULL);
    if (audit->file.fd >= 0) {
        if (fdatasync(audit->file.fd) < 0)
            log_error("audit: %s", strerror(errno));
        audit_file_close(&audit->file);
    }
    EVP_MD_CTX_free(audit->line_hash);
    text_free(&audit->pending);
    text_free(&audit->writing);
    pthread_cond_destroy(&audit->stopping);
    pthread_cond_destroy(&audit->changed);
    pthread_mutex_destroy(&audit->lock);
    free(audit);
}

/* Adds the line to what is pending. With the lock held. */
static int add_line(struct audit *audit, const struct text *decision, int64_t *ret_id)
{
    struct text *pending = &audit->pending;
    unsigned char hash[AUDIT_HASH_BYTES];
    size_t start = pending->length;
    text_put(pending, "{\"seq\":");
    text_integer(pending, audit->last.sequence + 1);
    audit_record_time(pending);
    text_add(pending, decision->data, decision->length);
    audit_record_hash(pending, "prev", audit->last.hash);
    text_put(pending, "}\n");
    size_t length = pending->length - start - 1;
    if (pending->failed || decision->failed || length > AUDIT_LINE_MAX ||
        !hash_bytes(audit, audit->line_hash, pending->data + start, length, hash)) {
        pending->length = start;
        pending->failed = false;
        return REFUSAL_AUDIT_UNAVAILABLE;
    }
    memcpy(audit->last.hash, hash, sizeof hash);
    *ret_id = ++audit->last.sequence;
    audit->ticket++;
    return 0;
}

void audit_batch_free(struct audit_batch *batch)
{
    EVP_MD_CTX_free(batch->token_hash);
    text_free(&batch->decision);
}

int audit_append_members(struct audit *audit, struct audit_batch *batch, int64_t *ret_id)
{
    pthread_mutex_lock(&audit->lock);
    int r = 0;
    if (batch->count > 0 && batch->epoch != audit->epoch)
        r = REFUSAL_AUDIT_UNAVAILABLE; /* the earlier ones are lost: so is the batch */
    if (r == 0)
        r = add_line(audit, &batch->decision, ret_id);
    if (r == 0) {
        batch->count++;
        batch->epoch = audit->epoch;
        batch->ticket = audit->ticket;
    }
    pthread_mutex_unlock(&audit->lock);
    return r;
}

int audit_append(struct audit *audit, struct audit_batch *batch, const struct audit_record *record,
                 int64_t *ret_id)
{
    unsigned char token_hash[AUDIT_HASH_BYTES];
    if (!batch->token_hash)
        batch->token_hash = EVP_MD_CTX_new();
    if (record->token && (!batch->token_hash || !hash_bytes(audit, batch->token_hash, record->token,
                                                            record->token_length, token_hash)))
        return REFUSAL_AUDIT_UNAVAILABLE;
    text_clear(&batch->decision);
    audit_record_write(&batch->decision, record, token_hash);
    return audit_append_members(audit, batch, ret_id);
}

/* What was not committed never happened: the chain goes back to its last durable link. */
static void lose_pending(struct audit *audit)
{
    audit->epoch++;
    audit->epoch_floor = audit->durable_ticket;
    audit->durable_ticket = audit->ticket;
    audit->last = audit->durable;
    text_clear(&audit->pending);
}

/* Writes all that is pending, for everybody who waits. With the lock held, which is given up
 * meanwhile. */
static void lead(struct audit *audit)
{
    struct text lines = audit->pending;
    audit->pending = audit->writing;
    audit->writing = lines;
    text_clear(&audit->pending);
    struct chain chain = audit->last;
    uint64_t ticket = audit->ticket;
    audit->leading = true;
    pthread_mutex_unlock(&audit->lock);
    int r =
        audit_file_append(&audit->file, lines.data, lines.length, audit->sync == CONF_SYNC_ALWAYS);
    pthread_mutex_lock(&audit->lock);
    audit->leading = false;
    report(audit, r);
    if (r == 0) {
        audit->durable = chain;
        audit->durable_ticket = ticket;
        audit->dirty = true;
    } else {
        lose_pending(audit);
    }
    pthread_cond_broadcast(&audit->changed);
}

static bool is_lost(const struct audit *audit, const struct audit_batch *batch)
{
    if (batch->epoch == audit->epoch)
        return false;
    return batch->epoch + 1 != audit->epoch || batch->ticket > audit->epoch_floor;
}

int audit_commit(struct audit *audit, struct audit_batch *batch)
{
    if (batch->count == 0)
        return 0;
    pthread_mutex_lock(&audit->lock);
    while (batch->epoch == audit->epoch && batch->ticket > audit->durable_ticket) {
        if (audit->leading)
            pthread_cond_wait(&audit->changed, &audit->lock);
        else
            lead(audit);
    }
    int r = is_lost(audit, batch) ? REFUSAL_AUDIT_UNAVAILABLE : 0;
    pthread_mutex_unlock(&audit->lock);
    batch->count = 0;
    return r;
}
