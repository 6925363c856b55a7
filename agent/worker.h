/* The worker threads: each waits for a ready connection, serves it, and waits again. */
#ifndef HINTSIGN_AGENT_WORKER_H
#define HINTSIGN_AGENT_WORKER_H

#include "agent/limits.h"

struct workers;

/* Starts `count` threads that wait on one epoll set, and a third as many that do so only while they
 * are needed (workers_relieve). Service and limits are borrowed.
 * Returns 0 or a negative errno. */
int workers_start(struct service *service, struct limits *limits, unsigned count,
                  struct workers **ret_workers);

/* All threads, the reserve included. */
unsigned workers_threads(const struct workers *workers);

/* How many of them serve a connection now. */
unsigned workers_busy(const struct workers *workers);

/* While `slow` calls hold three quarters of the threads, the reserve serves, too: the agent must
 * answer whatever its tokens do. */
void workers_relieve(struct workers *workers, unsigned slow);

/* Hands over a connection that limits_admit took. On an error it is removed and freed. */
void workers_add(struct workers *workers, struct conn *conn);

/* From now on connections end after what was read from them is answered. */
void workers_finish(struct workers *workers);

/* Ends the threads, each after the connection that it serves, and frees everything. Returns false
 * when one still hangs after `seconds`. Accepts NULL. */
bool workers_stop(struct workers *workers, int seconds);

#endif
