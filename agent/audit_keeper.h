/* The thread beside the workers that keeps the audit log: it writes the records of what
 * administrators and tokens do, brings the log on disk once a second where a commit does not, and
 * begins new files. Whoever has something to record never waits for the disk. */
#ifndef HINTSIGN_AGENT_AUDIT_KEEPER_H
#define HINTSIGN_AGENT_AUDIT_KEEPER_H

#include "agent/audit.h"

#define AUDIT_KEEPER_QUEUE 256 /* records that wait for a disk; more are lost, as the log says */

struct audit_keeper;

/* The log is borrowed. Returns 0 or a negative errno. */
int audit_keeper_start(struct audit *audit, struct audit_keeper **ret_keeper);

/* Takes over the members of a record (audit_record_begin), and empties the text. They are written
 * in order, each until it is; a record that is too long is lost, as the log says. Accepts NULL:
 * then nothing is recorded. */
void audit_keeper_add(struct audit_keeper *keeper, struct text *members);

/* Begins a new file, soon. */
void audit_keeper_rotate(struct audit_keeper *keeper);

/* Waits until all that was added is written, or could not be at the first try, at most `ms`. */
void audit_keeper_drain(struct audit_keeper *keeper, long ms);

/* Tries once more to write what is left, and ends the thread. Returns false when that still hangs
 * after `seconds`. Accepts NULL. */
bool audit_keeper_stop(struct audit_keeper *keeper, int seconds);

#endif
