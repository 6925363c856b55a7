/* The audit log: one chained line a decision, on disk before the token leaves.
 *
 * Lines are canonical JSON: fixed members in a fixed order, without blanks. `prev` is the SHA-256,
 * in lower-case hex, of the bytes of the line before (64 zeros in the first), so no line can be
 * changed, removed or inserted without breaking the chain behind it. */
#ifndef HINTSIGN_AGENT_AUDIT_H
#define HINTSIGN_AGENT_AUDIT_H

#include "agent/audit_record.h"
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

/* Opens the log for appending, locks it against other agents, drops a torn last line and takes up
 * the chain, whose hash `sha256` is borrowed. Returns 0, or -1 with the reason in `error`. */
int audit_open(const char *path, enum conf_sync sync, const EVP_MD *sha256,
               struct audit **ret_audit, char error[static CONF_ERROR_MAX]);

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

#endif
