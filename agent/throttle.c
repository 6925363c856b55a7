/* Lets the connections of callers who flood rest, and records what they were refused meanwhile. */
#include "config.h"
#include "agent/throttle.h"
#include "agent/clock.h"

#include <errno.h>
#include <stdlib.h>

struct throttle {
    struct service *service;
    void (*resume)(struct conn *conn, void *context);
    void *context;
    struct audit_batch batch;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct conn *resting; /* in no order */
    int64_t next;         /* when there is something to do */
    bool finishing, stop;
};

/* Takes the connections that have rested enough. With the lock held. */
static struct conn *take_rested(struct throttle *throttle, int64_t now)
{
    struct conn *rested = NULL, **at = &throttle->resting;
    while (*at) {
        struct conn *conn = *at;
        if (throttle->finishing || conn->resume <= now) {
            *at = conn->behind;
            conn->behind = rested;
            rested = conn;
            continue;
        }
        if (conn->resume < throttle->next)
            throttle->next = conn->resume;
        at = &conn->behind;
    }
    return rested;
}

static void resume_all(struct throttle *throttle, struct conn *list)
{
    while (list) {
        struct conn *conn = list;
        list = conn->behind;
        throttle->resume(conn, throttle->context);
    }
}

static int append(struct throttle *throttle, const struct flood_count *count)
{
    struct text *members = &throttle->batch.decision;
    int64_t id;
    text_clear(members);
    audit_record_string(members, "type", "suppressed");
    audit_record_string(members, "listener", count->caller.listener);
    if (count->caller.by_uid)
        audit_record_integer(members, "uid", count->caller.uid);
    audit_record_integer(members, "count", (int64_t)count->count);
    return audit_append_members(throttle->service->audit, &throttle->batch, &id);
}

/* One record a caller whose window ended before `until`. What cannot be recorded now is tried again
 * in a second. */
static void record_counts(struct throttle *throttle, int64_t until)
{
    struct service *service = throttle->service;
    struct flood_count counts[FLOOD_UIDS + FLOOD_LISTENERS];
    size_t taken = 0, appended = 0;
    while (taken < sizeof counts / sizeof counts[0] &&
           flood_take(service->flood, until, &counts[taken]))
        taken++;
    while (appended < taken && append(throttle, &counts[appended]) == 0)
        appended++;
    if (audit_commit(service->audit, &throttle->batch) < 0)
        appended = 0;
    for (size_t i = appended; i < taken; i++)
        flood_return(service->flood, &counts[i], clock_ms());
}

/* With the lock held. */
static void wait_for_next(struct throttle *throttle)
{
    struct timespec at = {.tv_sec = throttle->next / 1000,
                          .tv_nsec = throttle->next % 1000 * 1000000};
    if (throttle->stop || throttle->next <= clock_ms())
        return;
    if (throttle->next == INT64_MAX)
        pthread_cond_wait(&throttle->changed, &throttle->lock);
    else
        pthread_cond_clockwait(&throttle->changed, &throttle->lock, CLOCK_MONOTONIC, &at);
}

static void *run(void *argument)
{
    struct throttle *throttle = argument;
    pthread_mutex_lock(&throttle->lock);
    while (!throttle->stop) {
        int64_t now = clock_ms();
        throttle->next = INT64_MAX;
        struct conn *rested = take_rested(throttle, now);
        pthread_mutex_unlock(&throttle->lock);
        resume_all(throttle, rested);
        record_counts(throttle, now);
        int64_t due = flood_due(throttle->service->flood);
        pthread_mutex_lock(&throttle->lock);
        if (due < throttle->next)
            throttle->next = due;
        wait_for_next(throttle);
    }
    pthread_mutex_unlock(&throttle->lock);
    record_counts(throttle, INT64_MAX);
    return NULL;
}

static void throttle_free(struct throttle *throttle)
{
    audit_batch_free(&throttle->batch);
    pthread_cond_destroy(&throttle->changed);
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

int throttle_start(struct service *service, void (*resume)(struct conn *conn, void *context),
                   void *context, struct throttle **ret_throttle)
{
    struct throttle *throttle = calloc(1, sizeof *throttle);
    if (!throttle)
        return -ENOMEM;
    *throttle = (struct throttle){.service = service, .resume = resume, .context = context};
    pthread_mutex_init(&throttle->lock, NULL);
    pthread_cond_init(&throttle->changed, NULL);
    int r = pthread_create(&throttle->thread, NULL, run, throttle);
    if (r != 0) {
        throttle_free(throttle);
        return -r;
    }
    *ret_throttle = throttle;
    return 0;
}

/* Wakes the thread unless it looks by then anyway. With the lock held. */
static void look_at(struct throttle *throttle, int64_t at)
{
    if (at >= throttle->next)
        return;
    throttle->next = at;
    pthread_cond_signal(&throttle->changed);
}

void throttle_rest(struct throttle *throttle, struct conn *conn)
{
    pthread_mutex_lock(&throttle->lock);
    conn->behind = throttle->resting;
    throttle->resting = conn;
    look_at(throttle, throttle->finishing ? 0 : conn->resume);
    pthread_mutex_unlock(&throttle->lock);
}

void throttle_notice(struct throttle *throttle)
{
    pthread_mutex_lock(&throttle->lock);
    look_at(throttle, clock_ms() + FLOOD_WINDOW_MS);
    pthread_mutex_unlock(&throttle->lock);
}

void throttle_finish(struct throttle *throttle)
{
    pthread_mutex_lock(&throttle->lock);
    throttle->finishing = true;
    look_at(throttle, 0);
    pthread_mutex_unlock(&throttle->lock);
}

bool throttle_stop(struct throttle *throttle, const struct timespec *deadline)
{
    if (!throttle)
        return true;
    pthread_mutex_lock(&throttle->lock);
    throttle->stop = true;
    pthread_cond_signal(&throttle->changed);
    pthread_mutex_unlock(&throttle->lock);
    if (!clock_join(throttle->thread, deadline))
        return false;
    throttle_free(throttle);
    return true;
}
