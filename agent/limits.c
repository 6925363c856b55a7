/* Keeps the list of connections and ends those that hold too much for too long. */
#include "config.h"
#include "agent/limits.h"

#include <sys/socket.h>

/* The longest idle of a uid's connections, and how many it has. With the lock held. */
static struct conn *find_idle(const struct limits *limits, uid_t uid, size_t *ret_count)
{
    struct conn *idle = NULL;
    *ret_count = 0;
    for (struct conn *conn = limits->first; conn; conn = conn->next) {
        if (conn->peer.uid != uid)
            continue;
        ++*ret_count;
        if (!atomic_load(&conn->busy) &&
            (!idle || atomic_load(&conn->active) < atomic_load(&idle->active)))
            idle = conn;
    }
    return idle;
}

size_t limits_fit(struct limits *limits, size_t descriptors)
{
    size_t max = descriptors - descriptors / 4;
    limits->withheld = max < LIMITS_CONNECTIONS ? LIMITS_CONNECTIONS - max : 0;
    return LIMITS_CONNECTIONS - limits->withheld;
}

/* Those that are shut count until their worker has closed them: a caller who connects faster than
 * that is refused before he takes the room of others. */
static bool make_room(struct limits *limits, uid_t uid)
{
    size_t count, max = LIMITS_CONNECTIONS - limits->withheld;
    size_t share = max / (LIMITS_CONNECTIONS / LIMITS_CONNECTIONS_UID);
    if (limits->count >= max)
        return false;
    struct conn *idle = find_idle(limits, uid, &count);
    if (count < share)
        return true;
    if (!idle || count >= 2 * share)
        return false;
    atomic_store(&idle->busy, true); /* not to be found again before its worker has closed it */
    shutdown(idle->fd, SHUT_RDWR);
    return true;
}

bool limits_admit(struct limits *limits, struct conn *conn)
{
    pthread_mutex_lock(&limits->lock);
    bool room = make_room(limits, conn->peer.uid);
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
    for (struct conn *conn = limits->first; conn; conn = conn->next) {
        int64_t deadline = atomic_load(&conn->deadline);
        if (deadline && deadline < now)
            shutdown(conn->fd, SHUT_RDWR);
    }
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
