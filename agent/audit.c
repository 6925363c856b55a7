/* The audit log: appends records to the chain and commits many batches with one write. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_file.h"
#include "agent/audit_rewrite.h"
#include "agent/audit_rotate.h"
#include "agent/audit_start.h"
#include "agent/clock.h"
#include "agent/log.h"
#include "agent/refusal.h"
#include "client/text.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct audit {
    char *path;
    struct audit_file file;
    struct audit_state state;
    enum conf_sync sync;
    const EVP_MD *sha256;
    EVP_MD_CTX *line_hash; /* under the lock */
    bool has_gap;          /* behind its state: never changes while it is open */
    bool state_failing;    /* of whoever writes the state */

    pthread_mutex_t lock;   /* of all below, and of `file` while there is no leader */
    pthread_cond_t changed; /* a commit ended */
    pthread_cond_t grown;   /* for audit_wait */
    int64_t awaited;        /* by audit_wait */
    bool woken;
    bool leading;        /* somebody writes `writing`, without the lock */
    bool rotating;       /* nothing is appended until there is a new file */
    bool dirty;          /* written, and not on disk yet */
    int write_error;     /* of the last write: 0 or a negative errno */
    int sync_error;      /* of the last audit_tick */
    struct text pending; /* appended lines that nobody writes yet */
    struct text writing;
    struct audit_mark last;    /* with all that was appended */
    struct audit_mark durable; /* with all that was committed */
    struct audit_mark synced;  /* with all that is on disk ... */
    time_t synced_at;          /* ... since then */
    uint64_t ticket;           /* counts all that was ever appended, also what was lost */
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

/* Called by the leader, or by audit_tick: never by both, because of `sync`. */
static void remember(struct audit *audit, const struct audit_mark *mark)
{
    int r = audit_state_write(&audit->state, mark);
    if (r < 0 && !audit->state_failing)
        log_warning("audit: cannot write the state: %s; a log that is cut off may go unnoticed",
                    strerror(-r));
    audit->state_failing = r < 0;
}

static void record_torn(struct audit *audit, off_t torn)
{
    struct text members = {0};
    log_warning("audit: %s ended with %lld bytes of an unfinished line, which were removed",
                audit->path, (long long)torn);
    audit_record_begin(&members, "torn");
    audit_record_integer(&members, "bytes", torn);
    if (audit_write(audit, &members) < 0)
        log_error("audit: what was removed could not be recorded");
    text_free(&members);
}

static int record_gap(struct audit *audit, const struct audit_mark *known)
{
    struct text members = {0};
    audit_record_begin(&members, "gap");
    audit_record_integer(&members, "expected_seq", known->sequence);
    audit_record_hash(&members, "expected_sha256", known->hash);
    audit_record_integer(&members, "found_seq", audit->last.sequence);
    int r = audit_write(audit, &members);
    text_free(&members);
    return r;
}

/* A log that is behind its state has lost lines. Only an administrator can say that this may be. */
static int settle_gap(struct audit *audit, const struct audit_start *start, bool accept,
                      char *error)
{
    if (!start->behind)
        return 0;
    if (!accept) {
        audit->has_gap = true;
        log_error("audit: %s is behind: line %lld is missing or was changed; nothing is given out "
                  "before a start with --accept-log-gap",
                  audit->path, (long long)start->known.sequence);
        return 0;
    }
    log_warning("audit: going on without the lines up to %lld", (long long)start->known.sequence);
    int r = record_gap(audit, &start->known);
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s: the gap cannot be recorded", audit->path);
    audit_tick(audit);
    return r;
}

static int start(struct audit *audit, const struct audit_options *options, char *error)
{
    struct audit_start start;
    int r = audit_start_open(audit->path, options->state_dir, audit->sha256, &start, error);
    if (r < 0)
        return r;
    audit->file = start.file;
    audit->state.fd = start.state.fd;
    audit->last = audit->durable = start.last;
    audit->synced = start.synced;
    audit->dirty = start.file.unsure;
    audit_tick(audit);
    r = settle_gap(audit, &start, options->accept_gap, error);
    if (r == 0 && start.torn > 0 && !audit->has_gap)
        record_torn(audit, start.torn);
    return r;
}

static void init_locks(struct audit *audit)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->changed, NULL);
    pthread_cond_init(&audit->grown, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int audit_open(const struct audit_options *options, struct audit **ret_audit,
               char error[static CONF_ERROR_MAX])
{
    struct audit *audit = calloc(1, sizeof *audit);
    snprintf(error, CONF_ERROR_MAX, "out of memory");
    if (!audit)
        return -1;
    audit->path = strdup(options->path);
    audit->sync = options->sync;
    audit->sha256 = options->sha256;
    audit->line_hash = EVP_MD_CTX_new();
    audit->file.fd = -1;
    audit->state.fd = -1;
    audit->awaited = INT64_MAX;
    init_locks(audit);
    if (!audit->path || !audit->line_hash || start(audit, options, error) < 0) {
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
    if (audit->file.fd >= 0) {
        int r = audit_rewrite_sync(&audit->file, audit->sha256, &audit->synced, &audit->durable);
        if (r < 0)
            log_error("audit: %s", strerror(-r));
        else if (audit->dirty)
            remember(audit, &audit->durable);
        audit_file_close(&audit->file);
    }
    if (audit->state.fd >= 0) {
        audit_state_sync(&audit->state);
        audit_state_close(&audit->state);
    }
    EVP_MD_CTX_free(audit->line_hash);
    text_free(&audit->pending);
    text_free(&audit->writing);
    pthread_cond_destroy(&audit->grown);
    pthread_cond_destroy(&audit->changed);
    pthread_mutex_destroy(&audit->lock);
    free(audit->path);
    free(audit);
}

/* Adds the line to what is pending. With the lock held. */
static int add_line(struct audit *audit, const struct text *members, bool dated, int64_t *ret_id)
{
    struct text *pending = &audit->pending;
    unsigned char hash[AUDIT_HASH_BYTES];
    size_t start = pending->length;
    text_put(pending, "{\"seq\":");
    text_integer(pending, audit->last.sequence + 1);
    if (!dated)
        audit_record_time(pending);
    text_add(pending, members->data, members->length);
    audit_record_hash(pending, "prev", audit->last.hash);
    text_put(pending, "}\n");
    size_t length = pending->length - start - 1;
    if (pending->failed || members->failed || length > AUDIT_LINE_MAX ||
        !hash_bytes(audit, audit->line_hash, pending->data + start, length, hash)) {
        pending->length = start;
        pending->failed = false;
        return REFUSAL_AUDIT_UNAVAILABLE;
    }
    memcpy(audit->last.hash, hash, sizeof hash);
    audit->last.end += (off_t)length + 1;
    *ret_id = ++audit->last.sequence;
    audit->ticket++;
    return 0;
}

void audit_batch_free(struct audit_batch *batch)
{
    EVP_MD_CTX_free(batch->token_hash);
    text_free(&batch->decision);
}

static int append(struct audit *audit, struct audit_batch *batch, const struct text *members,
                  bool dated, int64_t *ret_id)
{
    pthread_mutex_lock(&audit->lock);
    while (audit->rotating)
        pthread_cond_wait(&audit->changed, &audit->lock);
    int r = audit->has_gap ? REFUSAL_AUDIT_UNAVAILABLE : 0;
    if (batch->count > 0 && batch->epoch != audit->epoch)
        r = REFUSAL_AUDIT_UNAVAILABLE; /* the earlier ones are lost: so is the batch */
    if (r == 0)
        r = add_line(audit, members, dated, ret_id);
    if (r == 0) {
        batch->count++;
        batch->epoch = audit->epoch;
        batch->ticket = audit->ticket;
    }
    pthread_mutex_unlock(&audit->lock);
    return r;
}

int audit_append_members(struct audit *audit, struct audit_batch *batch, int64_t *ret_id)
{
    return append(audit, batch, &batch->decision, false, ret_id);
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

static void report(struct audit *audit, int *error, int r)
{
    bool failed = audit->write_error < 0 || audit->sync_error < 0;
    *error = r;
    bool fails = audit->write_error < 0 || audit->sync_error < 0;
    if (fails && !failed)
        log_error("audit: cannot write the log: %s; nothing is given out until it can be",
                  strerror(-r));
    else if (failed && !fails)
        log_info("audit: the log can be written again");
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

static void grow(struct audit *audit, const struct audit_mark *mark)
{
    audit->synced = *mark;
    audit->synced_at = time(NULL);
    if (mark->sequence >= audit->awaited)
        pthread_cond_signal(&audit->grown);
}

/* Writes all that is pending, for everybody who waits, perhaps into a new file. With the lock held,
 * which is given up meanwhile. */
static int lead(struct audit *audit, struct audit_rotation *rotation)
{
    struct text lines = audit->pending;
    audit->pending = audit->writing;
    audit->writing = lines;
    text_clear(&audit->pending);
    struct audit_mark mark = audit->last;
    uint64_t ticket = audit->ticket;
    bool sync = rotation || audit->sync == CONF_SYNC_ALWAYS;
    int r = audit->sync_error;
    audit->leading = true;
    pthread_mutex_unlock(&audit->lock);
    if (r == 0)
        r = rotation ? audit_rotate_finish(&audit->file, rotation, lines.data, lines.length)
                     : audit_file_append(&audit->file, lines.data, lines.length, sync);
    if (r == 0 && sync)
        remember(audit, &mark);
    pthread_mutex_lock(&audit->lock);
    audit->leading = false;
    if (!rotation && audit->sync_error == 0)
        report(audit, &audit->write_error, r);
    if (r == 0) {
        audit->durable = mark;
        audit->durable_ticket = ticket;
        audit->dirty = !sync;
        if (sync)
            grow(audit, &mark);
    } else {
        lose_pending(audit);
    }
    pthread_cond_broadcast(&audit->changed);
    return r;
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
            lead(audit, NULL);
    }
    int r = is_lost(audit, batch) ? REFUSAL_AUDIT_UNAVAILABLE : 0;
    pthread_mutex_unlock(&audit->lock);
    batch->count = 0;
    return r;
}

int audit_write(struct audit *audit, const struct text *members)
{
    struct audit_batch batch = {0};
    int64_t id;
    int r = append(audit, &batch, members, true, &id);
    return r == 0 ? audit_commit(audit, &batch) : r;
}

/* Brings on disk what was only written: with CONF_SYNC_INTERVAL within a second. With the lock
 * held, which is given up meanwhile. */
static void sync_written(struct audit *audit)
{
    while (audit->file.unsure && audit->leading) /* what he has written may be lost, too */
        pthread_cond_wait(&audit->changed, &audit->lock);
    struct audit_mark mark = audit->durable;
    audit->dirty = false;
    pthread_mutex_unlock(&audit->lock);
    int r = audit_rewrite_sync(&audit->file, audit->sha256, &audit->synced, &mark);
    if (r == 0)
        remember(audit, &mark);
    pthread_mutex_lock(&audit->lock);
    audit->dirty |= r < 0;
    report(audit, &audit->sync_error, r);
    if (r == 0)
        grow(audit, &mark);
}

/* With the lock held, which is given up meanwhile. */
static void probe(struct audit *audit)
{
    audit->leading = true;
    pthread_mutex_unlock(&audit->lock);
    int r = audit_file_probe(&audit->file);
    pthread_mutex_lock(&audit->lock);
    audit->leading = false;
    report(audit, &audit->write_error, r);
    pthread_cond_broadcast(&audit->changed);
}

void audit_tick(struct audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    if (audit->dirty || (audit->sync == CONF_SYNC_INTERVAL && audit->file.unsure))
        sync_written(audit);
    if (audit->write_error < 0 && !audit->leading && !audit->has_gap)
        probe(audit);
    pthread_mutex_unlock(&audit->lock);
    audit_state_sync(&audit->state);
}

/* Nothing is appended meanwhile, so the new file's first line follows the old one's last. */
static int change_files(struct audit *audit, struct audit_rotation *rotation)
{
    struct text members = {0};
    int64_t id;
    audit_record_begin(&members, "rotate");
    audit_record_string(&members, "previous", rotation->previous);
    pthread_mutex_lock(&audit->lock);
    audit->rotating = true;
    while (audit->leading || audit->pending.length > 0) {
        if (audit->leading)
            pthread_cond_wait(&audit->changed, &audit->lock);
        else
            lead(audit, NULL);
    }
    audit->last.end = 0;
    int r = add_line(audit, &members, true, &id);
    if (r == 0)
        r = lead(audit, rotation);
    else
        audit->last = audit->durable;
    audit->rotating = false;
    pthread_cond_broadcast(&audit->changed);
    pthread_mutex_unlock(&audit->lock);
    text_free(&members);
    return r;
}

int audit_rotate(struct audit *audit)
{
    struct audit_rotation rotation;
    int r = audit->has_gap ? -ESTALE : audit_rotate_begin(&audit->file, audit->path, &rotation);
    if (r == 0) {
        r = change_files(audit, &rotation);
        if (r == 0) {
            log_info("audit: the old log is %s", rotation.previous);
            audit_wake(audit);
        }
        audit_rotate_end(&rotation);
    }
    if (r < 0)
        log_error("audit: cannot begin a new log: %s; the old one is written on", strerror(-r));
    return r;
}

struct audit_mark audit_wait(struct audit *audit, int64_t sequence, long ms, bool *ret_woken)
{
    struct timespec until = clock_in(ms);
    pthread_mutex_lock(&audit->lock);
    audit->awaited = sequence;
    int waited = 0;
    while (audit->synced.sequence < sequence && !audit->woken && waited == 0)
        waited = pthread_cond_timedwait(&audit->grown, &audit->lock, &until);
    *ret_woken = audit->woken;
    audit->woken = false;
    audit->awaited = INT64_MAX;
    struct audit_mark mark = audit->synced;
    pthread_mutex_unlock(&audit->lock);
    return mark;
}

void audit_wake(struct audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    audit->woken = true;
    pthread_cond_signal(&audit->grown);
    pthread_mutex_unlock(&audit->lock);
}

void audit_get_position(struct audit *audit, struct audit_position *ret_position)
{
    pthread_mutex_lock(&audit->lock);
    *ret_position = (struct audit_position){
        .committed = audit->durable, .synced = audit->synced, .synced_at = audit->synced_at};
    pthread_mutex_unlock(&audit->lock);
}

bool audit_is_available(struct audit *audit, char *reason, size_t size)
{
    pthread_mutex_lock(&audit->lock);
    int r = audit->sync_error < 0 ? audit->sync_error : audit->write_error;
    pthread_mutex_unlock(&audit->lock);
    if (audit->has_gap)
        snprintf(reason, size, "the audit log has lost lines: it is behind the state");
    else if (r < 0)
        snprintf(reason, size, "the audit log cannot be written: %s", strerror(-r));
    return !audit->has_gap && r == 0;
}

bool audit_has_gap(const struct audit *audit)
{
    return audit->has_gap;
}
