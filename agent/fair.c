/* Shares the workers out among callers: counts whom they serve, and keeps who has to wait. */
#include "config.h"
#include "agent/fair.h"

#include <limits.h>
#include <stdlib.h>

/* A caller who is served, or waits. */
struct share {
    struct caller caller;
    unsigned workers;          /* that serve him */
    struct conn *first, *last; /* put aside, in their order */
};

struct fair {
    pthread_mutex_t lock;
    atomic_uint idle; /* workers that wait for anything; written with the lock held */
    unsigned half;
    size_t aside; /* connections */
    size_t count, max, turn;
    struct share shares[];
};

struct fair *fair_new(unsigned workers)
{
    /* Those whom the workers serve, and as many that wait. */
    size_t max = (size_t)workers * 2;
    struct fair *fair = calloc(1, sizeof *fair + max * sizeof fair->shares[0]);
    if (!fair)
        return NULL;
    fair->half = workers > 1 ? workers / 2 : 1;
    fair->max = max;
    pthread_mutex_init(&fair->lock, NULL);
    return fair;
}

void fair_free(struct fair *fair)
{
    if (!fair)
        return;
    pthread_mutex_destroy(&fair->lock);
    free(fair);
}

const atomic_uint *fair_idle(const struct fair *fair)
{
    return &fair->idle;
}

/* NULL when there is no place for one more: then he is served without being counted. */
static struct share *find(struct fair *fair, const struct caller *caller, bool add)
{
    for (size_t i = 0; i < fair->count; i++)
        if (caller_equal(&fair->shares[i].caller, caller))
            return &fair->shares[i];
    if (!add || fair->count == fair->max)
        return NULL;
    struct share *share = &fair->shares[fair->count++];
    *share = (struct share){.caller = *caller};
    return share;
}

/* Forgets a caller who is neither served nor waits. */
static void tidy(struct fair *fair, struct share *share)
{
    if (share->workers == 0 && !share->first)
        *share = fair->shares[--fair->count];
}

static void put_aside(struct fair *fair, struct share *share, struct conn *conn)
{
    conn->behind = NULL;
    *(share->first ? &share->last->behind : &share->first) = conn;
    share->last = conn;
    fair->aside++;
}

/* In turn from each caller who has connections aside, and less than `most` workers. */
static struct conn *take(struct fair *fair, unsigned most)
{
    for (size_t i = 1; fair->aside > 0 && i <= fair->count; i++) {
        size_t at = (fair->turn + i) % fair->count;
        struct share *share = &fair->shares[at];
        struct conn *conn = share->first;
        if (!conn || share->workers >= most)
            continue;
        fair->turn = at;
        fair->aside--;
        share->first = conn->behind;
        share->workers++;
        return conn;
    }
    return NULL;
}

struct conn *fair_next(struct fair *fair, bool *ret_idle)
{
    pthread_mutex_lock(&fair->lock);
    struct conn *conn = take(fair, fair->half);
    *ret_idle = !conn && fair->aside == 0;
    fair->idle += *ret_idle;
    pthread_mutex_unlock(&fair->lock);
    return conn;
}

struct conn *fair_admit(struct fair *fair, struct conn *ready, bool idle)
{
    pthread_mutex_lock(&fair->lock);
    fair->idle -= idle;
    struct conn *conn = ready;
    if (ready) {
        struct caller caller = caller_of(&ready->peer);
        struct share *share = find(fair, &caller, true);
        if (share && share->workers >= fair->half && fair->idle == 0) {
            put_aside(fair, share, ready);
            conn = NULL;
        } else if (share) {
            share->workers++;
        }
    } else if (!idle) {
        conn = take(fair, UINT_MAX);
    }
    pthread_mutex_unlock(&fair->lock);
    return conn;
}

void fair_end(struct fair *fair, const struct caller *caller)
{
    pthread_mutex_lock(&fair->lock);
    struct share *share = find(fair, caller, false);
    if (share && share->workers > 0) {
        share->workers--;
        tidy(fair, share);
    }
    pthread_mutex_unlock(&fair->lock);
}
