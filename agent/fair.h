/* Whose connection is served next: while others wait, no caller has more than half of the workers.
 *
 * A worker that has nothing to do takes what is ready, whosoever it is. One that is the last free
 * one puts aside a connection of a caller who has his half, and looks for somebody else's; when
 * there is none, it takes one of those after all. So nothing ever waits beside an idle worker. */
#ifndef HINTSIGN_AGENT_FAIR_H
#define HINTSIGN_AGENT_FAIR_H

#include "agent/conn.h"

struct fair;

/* NULL without memory. */
struct fair *fair_new(unsigned workers);

/* Accepts NULL. */
void fair_free(struct fair *fair);

/* How many workers are idle; for reading. */
const atomic_uint *fair_idle(const struct fair *fair);

/* For a worker that is free: a connection that was put aside and whose caller has less than his
 * half now, or NULL. Then *ret_idle tells whether none at all is aside: if so, the worker counts as
 * idle until it calls fair_admit. */
struct conn *fair_next(struct fair *fair, bool *ret_idle);

/* For the same worker, with the connection that is ready, or NULL: there is none. Returns the one
 * to be served now, or NULL: what was ready was put aside, or there is nothing. */
struct conn *fair_admit(struct fair *fair, struct conn *ready, bool idle);

/* A connection of this caller, which one of these gave out, is not served any more. */
void fair_end(struct fair *fair, const struct caller *caller);

#endif
