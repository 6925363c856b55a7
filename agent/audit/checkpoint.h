/* The checkpoints of an audit log: records that a key in the HSM token has signed. */
#ifndef HINTSIGN_AUDIT_CHECKPOINT_H
#define HINTSIGN_AUDIT_CHECKPOINT_H

#include "agent/audit/line.h"
#include "agent/jose/jwks.h"

#define CHECKPOINT_TYPE          "checkpoint"
#define CHECKPOINT_SIGNATURE_MAX ((size_t)1024) /* bytes: RSA of 8192 bits */

/* What it states: that line `covers` has this hash, and so what all lines up to there are. */
struct checkpoint {
    int64_t covers;
    unsigned char hash[AUDIT_HASH_BYTES];
};

bool checkpoint_is(const struct line *line);

/* Takes the statement out of a checkpoint's record and, where `keys` is not NULL, verifies its
 * signature with the key of the same kid, which must be one for signatures. `room` is reused.
 * Errors: LINE_BROKEN, LINE_FAILED; *error is a fixed phrase then, to follow "the checkpoint ". */
int checkpoint_read(const struct jose *jose, const struct jwks *keys, const struct line *line,
                    struct text *room, struct checkpoint *ret_checkpoint, const char **error);

#endif
