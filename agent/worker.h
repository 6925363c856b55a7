/* The worker threads: each waits for a ready connection, serves it, and waits again. */
#ifndef HINTSIGN_AGENT_WORKER_H
#define HINTSIGN_AGENT_WORKER_H

#include "agent/limits.h"

struct workers;

/* Starts `count` threads that wait on one epoll set. Service and limits are borrowed.
 * Returns 0 or a negative errno. */
int workers_start(struct service *service, struct limits *limits, unsigned count,
                  struct workers **ret_workers);

/* Hands over a connection that limits_admit took. On an error it is removed and freed. */
void workers_add(struct workers *workers, struct conn *conn);

/* From now on connections end after what was read from them is answered. */
void workers_finish(struct workers *workers);

/* Ends the threads, each after the connection that it serves, and frees everything. Returns false
 * when one still hangs after `seconds`. Accepts NULL. */
bool workers_stop(struct workers *workers, int seconds);

#endif
