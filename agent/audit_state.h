/* How far the audit log had come: kept apart from it, so that a log that is cut off shows. */
#ifndef HINTSIGN_AGENT_AUDIT_STATE_H
#define HINTSIGN_AGENT_AUDIT_STATE_H

#include "agent/audit_record.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define AUDIT_STATE_FILE "audit-state"

/* A place in the chain: behind which line, and where that line ends. */
struct audit_mark {
    int64_t sequence;                     /* of the line; 0: before the first */
    unsigned char hash[AUDIT_HASH_BYTES]; /* of the line; zeros before the first */
    off_t end;                            /* in its file, behind the newline */
};

struct audit_state {
    int fd;
    atomic_bool unsynced;
};

#define AUDIT_STATE_NONE (-1) /* the sequence of a mark that the file does not hold yet */

/* Opens or creates the file in `folder`, locks it, and reads the mark; on a first start there is
 * none. Returns 0 or a negative errno; -EBUSY: another process holds it, -EBADMSG: something else
 * stands in it. */
int audit_state_open(const char *folder, struct audit_state *ret_state,
                     struct audit_mark *ret_mark);

void audit_state_close(struct audit_state *state);

/* Writes a mark in the old one's place. A power failure may lose it until audit_state_sync, which
 * only makes the state older. Both return 0 or a negative errno. A sync that fails may have lost
 * the mark: it is to be written again before the next one. */
int audit_state_write(struct audit_state *state, const struct audit_mark *mark);
int audit_state_sync(struct audit_state *state);

#endif
