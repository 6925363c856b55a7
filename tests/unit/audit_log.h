/* An audit log as the agent writes it, made in memory. */
#ifndef HINTSIGN_TESTS_AUDIT_LOG_H
#define HINTSIGN_TESTS_AUDIT_LOG_H

#include "agent/audit/chain.h"

#define AUDIT_LOG_LINES 1024 /* at most */

struct audit_log {
    struct text text;
    size_t starts[AUDIT_LOG_LINES + 1]; /* where line 0, 1, ... begins, and the end of the last */
    size_t lines;
    unsigned char hashes[AUDIT_LOG_LINES][AUDIT_HASH_BYTES]; /* of line 0, 1, ... */
    EVP_PKEY *key;                                           /* borrowed; of checkpoints, P-256 */
};

/* A log without lines. Free with audit_log_close. */
struct audit_log *audit_log_open(EVP_PKEY *key);
void audit_log_close(struct audit_log *log);

/* Each adds a line: one of a request with that reference; one with these members between type and
 * prev (`members` begins with a comma, or is empty); a checkpoint of line `covers` (from 1). */
void audit_log_mint(struct audit_log *log, const char *reference);
void audit_log_record(struct audit_log *log, const char *type, const char *members);
void audit_log_checkpoint(struct audit_log *log, size_t covers);

/* Leaves the first so many lines. */
void audit_log_cut(struct audit_log *log, size_t lines);

/* The key set to verify the checkpoints with, in which ES256 is bound to the key. */
struct jwks *audit_log_keys(const struct jose *jose, const EVP_PKEY *key, const char *kid);

/* Where a line's text is, without its newline. */
const char *audit_log_line(const struct audit_log *log, size_t index, size_t *ret_length);

#define AUDIT_LOG_KID "checkpoints"

#endif
