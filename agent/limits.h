/* The open connections, and how many of them a caller may hold. */
#ifndef HINTSIGN_AGENT_LIMITS_H
#define HINTSIGN_AGENT_LIMITS_H

#include "agent/conn.h"

/* Zero-initialise but for the lock, then limits_set. A connection stays in the list from
 * limits_admit to limits_remove, and its socket open: so others can shut it down, but only its
 * worker closes it. */
struct limits {
    pthread_mutex_t lock;
    struct conn *first, *last; /* oldest first */
    size_t count;
    size_t max;   /* connections ... */
    size_t share; /* ... and those of one caller */
};

/* Sets how many connections there may be, and returns it: as configured, but a quarter of the
 * process's file descriptors is kept from callers, because modules and files need them. Then one
 * caller's part is as much smaller. Connections that there are stay. */
size_t limits_set(struct limits *limits, const struct conf_limits *conf, size_t descriptors);

/* Connections of a caller that were ended for newer ones, and not closed yet: hardly more than this
 * part of his share, so that two callers cannot take the room of four. */
#define LIMITS_EVICTED_PART 4

/* Adds a connection. Over the limit of one caller (caller.h) his connection that was idle longest
 * is ended: one with nothing under way, neither here nor unread in its socket. Where he has none,
 * or too many of those take time to end, there is no room for him. Returns false when there is no
 * room: then the connection was not added. */
bool limits_admit(struct limits *limits, struct conn *conn);

void limits_remove(struct limits *limits, struct conn *conn);

/* Ends the connections whose callers are late at `now` (watch_awake). */
void limits_expire(struct limits *limits, int64_t now);

/* Lets no connection send more: each ends after what was read from it is answered. */
void limits_end_all(struct limits *limits);

/* How many there are, and may be. */
size_t limits_count(struct limits *limits);
void limits_get(struct limits *limits, size_t *ret_max, size_t *ret_share);

#endif
