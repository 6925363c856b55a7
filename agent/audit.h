/* The audit log: one chained line a record, on disk before the token leaves.
 *
 * Lines are canonical JSON: fixed members in a fixed order, without blanks. `prev` is the SHA-256,
 * in lower-case hex, of the bytes of the line before (64 zeros in the first), so no line can be
 * changed, removed or inserted without breaking the chain behind it. */
#ifndef HINTSIGN_AGENT_AUDIT_H
#define HINTSIGN_AGENT_AUDIT_H

#include "agent/audit_record.h"
#include "agent/audit_state.h"
#include "agent/conf.h"

#include <openssl/evp.h>

struct audit;

/* The records that one worker has appended since its last commit, and its room to work in.
 * Zero-initialise; free with audit_batch_free. */
struct audit_batch {
    unsigned count;
    uint64_t ticket; /* of the last one */
    uint64_t epoch;  /* in which they were appended */
    EVP_MD_CTX *token_hash;
    struct text decision;
};

void audit_batch_free(struct audit_batch *batch);

struct audit_options {
    const char *path;      /* of the log; borrowed */
    const char *state_dir; /* where its end is kept, too */
    enum conf_sync sync;
    bool accept_gap;      /* goes on with a log that does not hold what was there before */
    const EVP_MD *sha256; /* borrowed */
};

/* Opens the log for appending, locks it against other agents, drops a torn last line and takes up
 * the chain. Lines that the state does not know yet are written again; where that fails, audit_tick
 * tries again, and nothing can be committed before. A log that is behind its state opens, but
 * nothing can be appended to it, unless the gap is accepted: then it is recorded. Returns 0, or -1
 * with the reason in `error`. */
int audit_open(const struct audit_options *options, struct audit **ret_audit,
               char error[static CONF_ERROR_MAX]);

/* Flushes and closes. Accepts NULL. */
void audit_close(struct audit *audit);

/* Adds a record to the batch; *ret_id is its sequence number. It counts for nothing before
 * audit_commit. Returns 0 or REFUSAL_AUDIT_UNAVAILABLE. */
int audit_append(struct audit *audit, struct audit_batch *batch, const struct audit_record *record,
                 int64_t *ret_id);

/* As audit_append, of the members that were written to batch->decision with audit_record.h, `type`
 * first. */
int audit_append_members(struct audit *audit, struct audit_batch *batch, int64_t *ret_id);

/* Writes the batch (together with those of other workers) and, with CONF_SYNC_ALWAYS, waits until
 * it is on disk. Returns 0 or REFUSAL_AUDIT_UNAVAILABLE: then none of the batch may be answered.
 * The batch is empty afterwards. */
int audit_commit(struct audit *audit, struct audit_batch *batch);

/* Appends and commits one record that is no decision of a worker's: `members` are all between
 * `seq` and `prev`, as audit_record_begin starts them. Returns as audit_commit. */
int audit_write(struct audit *audit, const struct text *members);

/* What has to be done once a second, by one thread: brings the log on disk, with
 * CONF_SYNC_INTERVAL or where audit_open could not, tries whether a log that failed can be written
 * again, keeps the state. */
void audit_tick(struct audit *audit);

/* Puts the file aside and goes on in a new one; logs the outcome. Only on the thread that calls
 * audit_tick. Returns 0 or a negative errno: then the old file is written on. */
int audit_rotate(struct audit *audit);

/* Waits until line number `sequence` is on disk, `ms` have passed, there is a new file or
 * audit_wake was called. Returns whether it was one of the last two. */
bool audit_wait(struct audit *audit, int64_t sequence, long ms);
void audit_wake(struct audit *audit);

/* Where the log stands: the line that was committed last, with the bytes of the file it is in, and
 * the last one that is on disk, since when (0: since the agent started). */
struct audit_position {
    struct audit_mark committed, synced;
    time_t synced_at;
};

void audit_get_position(struct audit *audit, struct audit_position *ret_position);

/* Whether records can be written, as far as is known. Otherwise `reason` says why not. */
bool audit_is_available(struct audit *audit, char *reason, size_t size);

#endif
