/* The open connections, and how many of them a caller may hold. */
#ifndef HINTSIGN_AGENT_LIMITS_H
#define HINTSIGN_AGENT_LIMITS_H

#include "agent/conn.h"

#define LIMITS_CONNECTIONS     4096
#define LIMITS_CONNECTIONS_UID (LIMITS_CONNECTIONS / 4)

/* Zero-initialise but for the lock. A connection stays in the list from limits_admit to
 * limits_remove, and its socket open: so others can shut it down, but only its worker closes it. */
struct limits {
    pthread_mutex_t lock;
    struct conn *first, *last; /* oldest first */
    size_t count;
    size_t withheld; /* of LIMITS_CONNECTIONS, for want of descriptors */
};

/* Keeps a quarter of the process's file descriptors from callers: modules and files need them.
 * Returns how many connections there may be. */
size_t limits_fit(struct limits *limits, size_t descriptors);

/* Adds a connection. Over the limit of one uid its connection that was idle longest is ended; far
 * over it, when those take time to end, there is no room for the uid.
 * Returns false when there is no room: then the connection was not added. */
bool limits_admit(struct limits *limits, struct conn *conn);

void limits_remove(struct limits *limits, struct conn *conn);

/* Ends the connections whose deadline has passed. */
void limits_expire(struct limits *limits, int64_t now);

/* Lets no connection send more: each ends after what was read from it is answered. */
void limits_end_all(struct limits *limits);

size_t limits_count(struct limits *limits);

#endif
