/* Keeps the list of connections and ends those that hold too much for too long. */
#include "config.h"
#include "agent/limits.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* What a caller has. */
struct holding {
    size_t count;
    size_t evicted;    /* of these: shut, and not closed yet */
    struct conn *idle; /* the one that is idle longest, or NULL */
};

/* A worker marks what he has taken up; what was sent before is still in the socket. */
static bool is_idle(const struct conn *conn)
{
    int unread = 0;
    return !atomic_load(&conn->busy) && (ioctl(conn->fd, SIOCINQ, &unread) < 0 || unread == 0);
}

/* With the lock held. */
static struct holding look_at(const struct limits *limits, const struct caller *caller)
{
    struct holding holding = {.count = 0};
    for (struct conn *conn = limits->first; conn; conn = conn->next) {
        struct caller other = caller_of(&conn->peer);
        const struct conn *idle = holding.idle;
        if (!caller_equal(&other, caller))
            continue;
        holding.count++;
        holding.evicted += conn->evicted;
        if (!conn->evicted && (!idle || atomic_load(&conn->active) < atomic_load(&idle->active)) &&
            is_idle(conn))
            holding.idle = conn;
    }
    return holding;
}

size_t limits_set(struct limits *limits, const struct conf_limits *conf, size_t descriptors)
{
    size_t room = descriptors - descriptors / 4;
    pthread_mutex_lock(&limits->lock);
    limits->max = room < conf->connections ? room : conf->connections;
    limits->share = conf->connections_per_uid * limits->max / conf->connections;
    if (limits->share == 0)
        limits->share = 1;
    pthread_mutex_unlock(&limits->lock);
    return limits->max;
}

/* Those that are shut count until their worker has closed them: a caller who connects faster than
 * that is refused before he takes the room of others. */
static bool make_room(struct limits *limits, const struct peer *peer)
{
    struct caller caller = caller_of(peer);
    if (limits->count >= limits->max)
        return false;
    struct holding holding = look_at(limits, &caller);
    if (holding.count < limits->share)
        return true;
    if (!holding.idle || holding.evicted > limits->share / LIMITS_EVICTED_PART)
        return false;
    holding.idle->evicted = true;
    shutdown(holding.idle->fd, SHUT_RD); /* what was sent meanwhile is answered */
    return true;
}

bool limits_admit(struct limits *limits, struct conn *conn)
{
    pthread_mutex_lock(&limits->lock);
    bool room = make_room(limits, &conn->peer);
    if (room) {
        conn->previous = limits->last;
        conn->next = NULL;
        *(limits->last ? &limits->last->next : &limits->first) = conn;
        limits->last = conn;
        limits->count++;
    }
    pthread_mutex_unlock(&limits->lock);
    return room;
}

void limits_remove(struct limits *limits, struct conn *conn)
{
    pthread_mutex_lock(&limits->lock);
    *(conn->previous ? &conn->previous->next : &limits->first) = conn->next;
    *(conn->next ? &conn->next->previous : &limits->last) = conn->previous;
    limits->count--;
    pthread_mutex_unlock(&limits->lock);
}

void limits_expire(struct limits *limits, int64_t now)
{
    pthread_mutex_lock(&limits->lock);
    for (struct conn *conn = limits->first; conn; conn = conn->next)
        if (conn_is_late(conn, now)) /* a request that is whole just now is answered still */
            shutdown(conn->fd, atomic_load(&conn->wait) == CONN_READ ? SHUT_RD : SHUT_RDWR);
    pthread_mutex_unlock(&limits->lock);
}

void limits_end_all(struct limits *limits)
{
    pthread_mutex_lock(&limits->lock);
    for (struct conn *conn = limits->first; conn; conn = conn->next)
        shutdown(conn->fd, SHUT_RD);
    pthread_mutex_unlock(&limits->lock);
}

size_t limits_count(struct limits *limits)
{
    pthread_mutex_lock(&limits->lock);
    size_t count = limits->count;
    pthread_mutex_unlock(&limits->lock);
    return count;
}

void limits_get(struct limits *limits, size_t *ret_max, size_t *ret_share)
{
    pthread_mutex_lock(&limits->lock);
    *ret_max = limits->max;
    *ret_share = limits->share;
    pthread_mutex_unlock(&limits->lock);
}
