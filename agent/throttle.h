/* Callers who flood: their connections rest before they are read again, and the audit log is told
 * how much it was spared. A thread of its own does both. */
#ifndef HINTSIGN_AGENT_THROTTLE_H
#define HINTSIGN_AGENT_THROTTLE_H

#include "agent/conn.h"

#include <time.h>

struct throttle;

/* Starts the thread. `resume` gets each connection back when it has rested enough, in any thread;
 * the service is borrowed. Returns 0 or a negative errno. */
int throttle_start(struct service *service, void (*resume)(struct conn *conn, void *context),
                   void *context, struct throttle **ret_throttle);

/* Lets the connection, which nobody waits on now, rest until conn->resume. */
void throttle_rest(struct throttle *throttle, struct conn *conn);

/* To be called after something was counted in service->flood. */
void throttle_notice(struct throttle *throttle);

/* From now on no connection rests. */
void throttle_finish(struct throttle *throttle);

/* Ends the thread, which records every count before, and frees everything. Returns false when that
 * is not done at the deadline (CLOCK_MONOTONIC). Accepts NULL. */
bool throttle_stop(struct throttle *throttle, const struct timespec *deadline);

#endif
