/* Signs checkpoints of the audit log with a key in the HSM token: from time to time, on a thread of
 * its own, so that a token that does not answer holds up nobody. */
#ifndef HINTSIGN_AGENT_AUDIT_CHECKPOINT_H
#define HINTSIGN_AGENT_AUDIT_CHECKPOINT_H

#include "agent/audit.h"
#include "agent/jose/jose.h"

#define AUDIT_CHECKPOINT_LINES   1000 /* a checkpoint covers so many at most ... */
#define AUDIT_CHECKPOINT_SECONDS 60   /* ... and comes so long after a line at the latest */

struct audit_checkpoints;

/* Starts the thread. The first checkpoint is made as soon as there is a key. Log and jose are
 * borrowed. Returns 0 or a negative errno. */
int audit_checkpoint_start(struct audit *audit, const struct jose *jose, struct conf *conf,
                           struct audit_checkpoints **ret_checkpoints);

/* From now on the key of this configuration signs. Accepts NULL checkpoints. */
void audit_checkpoint_adopt(struct audit_checkpoints *checkpoints, struct conf *conf);

/* Makes a last checkpoint, if there is something new, and ends the thread. Returns false when the
 * token still hangs after `seconds`. Accepts NULL. */
bool audit_checkpoint_stop(struct audit_checkpoints *checkpoints, int seconds);

#endif
