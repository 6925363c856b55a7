/* One connection: bytes in, whole messages served, replies out. */
#ifndef HINTSIGN_AGENT_CONN_H
#define HINTSIGN_AGENT_CONN_H

#include "agent/serve.h"
#include "client/varlink.h"

#include <stdatomic.h>

/* Nanoseconds after which a caller's turn ends when no worker is free for the others. */
#define CONN_TURN_NS ((int64_t)20 * 1000000)

/* Bytes of replies after which a caller must read before more of his messages are served. */
#define CONN_REPLIES_MAX ((size_t)64 * 1024)

/* What a connection waits for next. */
enum conn_wait {
    CONN_CLOSE, /* nothing: close it */
    CONN_READ,  /* more bytes */
    CONN_WRITE, /* room for replies */
    CONN_TURN,  /* its turn: whole messages are waiting here */
};

struct conn {
    int fd;
    struct peer peer;
    struct varlink_input input;
    struct text unsent; /* replies that the socket did not take; nothing is read meanwhile */
    bool ended;         /* the caller sends no more */
    struct conf_limits limits;
    bool doomed;         /* ends after its replies are sent */
    int64_t resume;      /* rests until then (CLOCK_MONOTONIC ms), for throttle.c */
    struct conn *behind; /* in the lists of throttle.c and fair.c */
    atomic_uint turns;   /* counts when it goes to the next thread, for worker.c */
    /* For limits.c, which looks on from another thread: */
    _Atomic enum conn_wait wait; /* what it waits for; CONN_CLOSE: nothing, it is served ... */
    _Atomic int64_t deadline;    /* ... and until when (watch_awake); 0: for ever */
    _Atomic int64_t active;      /* when it was last served */
    atomic_bool busy;            /* a worker serves it, or a message or reply is under way */
    bool evicted;                /* it is ended, for a newer one of its caller */
    struct conn *previous, *next;
};

/* Takes over the socket, which is non-blocking, and the peer. NULL without memory. */
struct conn *conn_new(int fd, const struct peer *peer);

/* Closes the socket. Accepts NULL. */
void conn_free(struct conn *conn);

/* Tells the caller that there is no room for him, and closes. */
void conn_refuse(struct conn *conn);

/* Serves what is ready: reads once unless messages are waiting, serves at most SERVE_BATCH_MAX of
 * them and CONN_REPLIES_MAX of replies, less if that takes long and no worker is idle, and sends
 * these. With `last` nothing more is read: what was read is served, and the connection ends. */
enum conn_wait conn_serve(struct conn *conn, struct serving *serving, bool last);

/* Whether its caller has let it wait too long: not where he has done his part, and it waits for a
 * worker. `now` is of watch_awake. In any thread, while the socket is open. */
bool conn_is_late(const struct conn *conn, int64_t now);

#endif
