/* The audit log: appends records to the chain and commits many batches with one write. */
#include "config.h"
#include "agent/audit.h"
#include "agent/audit_internal.h"
#include "agent/clock.h"
#include "agent/log.h"
#include "agent/refusal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool hash_bytes(const struct audit *audit, EVP_MD_CTX *context, const void *data,
                       size_t length, unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    return EVP_DigestInit_ex2(context, audit->sha256, NULL) == 1 &&
           EVP_DigestUpdate(context, data, length) == 1 &&
           EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
}

void audit_report_state(bool *failing, int r)
{
    if (r < 0 && !*failing)
        log_warning("audit: cannot write the state: %s; a log that is cut off may go unnoticed",
                    strerror(-r));
    *failing = r < 0;
}

int audit_remember(struct audit *audit, const struct audit_mark *mark)
{
    int r = audit_state_write(&audit->state, mark);
    audit_report_state(&audit->state_unwritten, r);
    return r;
}

int audit_add_line(struct audit *audit, const struct text *members, bool dated, int64_t *ret_id)
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
        r = audit_add_line(audit, members, dated, ret_id);
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

void audit_report(struct audit *audit, int *error, int r)
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

/* What was not committed never happened: the chain goes back to its last durable link. The batches
 * that had a part in it are lost; the one line of a rotation is in none. */
static void lose_pending(struct audit *audit, bool has_batches)
{
    if (has_batches) {
        audit->epoch++;
        audit->epoch_floor = audit->settled_ticket;
    }
    audit->settled_ticket = audit->ticket;
    audit->last = audit->durable;
    text_clear(&audit->pending);
}

void audit_advance(struct audit *audit, const struct audit_mark *mark)
{
    audit->synced = *mark;
    audit->synced_at = time(NULL);
    if (mark->sequence >= audit->awaited)
        pthread_cond_signal(&audit->grown);
}

int audit_lead(struct audit *audit, struct audit_rotation *rotation)
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
        audit_remember(audit, &mark);
    pthread_mutex_lock(&audit->lock);
    audit->leading = false;
    if (!rotation && audit->sync_error == 0)
        audit_report(audit, &audit->write_error, r);
    if (r == 0) {
        audit->durable = mark;
        audit->settled_ticket = ticket;
        audit->dirty = !sync;
        if (sync)
            audit_advance(audit, &mark);
    } else {
        lose_pending(audit, !rotation);
    }
    pthread_cond_broadcast(&audit->changed);
    return r;
}

/* Of a batch that is settled. If nothing was lost since its last record, it was committed. If
 * something was lost once, the batch was unless it had been settled before. If it was more than
 * once, nobody knows what had been settled before the first time, and it counts as lost. */
static bool is_lost(const struct audit *audit, const struct audit_batch *batch)
{
    uint64_t losses = audit->epoch - batch->epoch;
    return losses > 1 || (losses == 1 && batch->ticket > audit->epoch_floor);
}

int audit_commit(struct audit *audit, struct audit_batch *batch)
{
    if (batch->count == 0)
        return 0;
    pthread_mutex_lock(&audit->lock);
    while (batch->epoch == audit->epoch && batch->ticket > audit->settled_ticket) {
        if (audit->leading)
            pthread_cond_wait(&audit->changed, &audit->lock);
        else
            audit_lead(audit, NULL);
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

bool audit_wait(struct audit *audit, int64_t sequence, long ms)
{
    struct timespec until = clock_in(ms);
    pthread_mutex_lock(&audit->lock);
    audit->awaited = sequence;
    int waited = 0;
    while (audit->synced.sequence < sequence && !audit->woken && waited == 0)
        waited = pthread_cond_clockwait(&audit->grown, &audit->lock, CLOCK_MONOTONIC, &until);
    bool woken = audit->woken;
    audit->woken = false;
    audit->awaited = INT64_MAX;
    pthread_mutex_unlock(&audit->lock);
    return woken;
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
