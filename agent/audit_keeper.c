/* Writes the records that are no decisions, and does what the audit log needs from time to time. */
#include "config.h"
#include "agent/audit_keeper.h"
#include "agent/audit_file.h"
#include "agent/clock.h"
#include "agent/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS 1000

struct audit_keeper {
    struct audit *audit;
    pthread_t thread;
    pthread_mutex_t lock;   /* of all below */
    pthread_cond_t changed; /* for the thread */
    pthread_cond_t tried;   /* the queue is on disk, or its first record was not taken */
    bool busy;              /* with what was in the queue */
    struct text queue[AUDIT_KEEPER_QUEUE];
    size_t first, count;
    unsigned lost;
    bool blocked; /* the first record was not taken: not before the next tick */
    bool rotate;
    bool stop;
};

static void drop_first(struct audit_keeper *keeper)
{
    text_free(&keeper->queue[keeper->first]);
    keeper->first = (keeper->first + 1) % AUDIT_KEEPER_QUEUE;
    keeper->count--;
}

static void say_lost(struct audit_keeper *keeper)
{
    if (keeper->lost > 0)
        log_error("audit: %u records of events were lost while the log could not be written",
                  keeper->lost);
    keeper->lost = 0;
}

/* Writes what waits. With the lock held, which is given up meanwhile. */
static void write_records(struct audit_keeper *keeper)
{
    while (keeper->count > 0 && !keeper->blocked) {
        struct text members = keeper->queue[keeper->first];
        bool too_long = members.failed || members.length > AUDIT_LINE_MAX / 2;
        pthread_mutex_unlock(&keeper->lock);
        int r = too_long ? 0 : audit_write(keeper->audit, &members);
        pthread_mutex_lock(&keeper->lock);
        keeper->lost += too_long;
        keeper->blocked = r < 0;
        if (r == 0)
            drop_first(keeper);
    }
    if (keeper->count == 0)
        say_lost(keeper);
}

static void do_rounds(struct audit_keeper *keeper)
{
    bool rotate = keeper->rotate;
    keeper->rotate = false;
    pthread_mutex_unlock(&keeper->lock);
    audit_tick(keeper->audit);
    if (rotate)
        audit_rotate(keeper->audit);
    pthread_mutex_lock(&keeper->lock);
}

static void *run(void *argument)
{
    struct audit_keeper *keeper = argument;
    pthread_mutex_lock(&keeper->lock);
    struct timespec tick = clock_in(TICK_MS);
    while (!keeper->stop) {
        int waited = 0;
        while (!keeper->stop && !keeper->rotate && (keeper->count == 0 || keeper->blocked) &&
               waited == 0)
            waited =
                pthread_cond_clockwait(&keeper->changed, &keeper->lock, CLOCK_MONOTONIC, &tick);
        if (waited != 0)
            keeper->blocked = false;
        keeper->busy = true;
        write_records(keeper);
        do_rounds(keeper);
        keeper->busy = false;
        tick = clock_in(TICK_MS);
        pthread_cond_broadcast(&keeper->tried);
    }
    keeper->blocked = false;
    write_records(keeper);
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

int audit_keeper_start(struct audit *audit, struct audit_keeper **ret_keeper)
{
    struct audit_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return -ENOMEM;
    keeper->audit = audit;
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    pthread_cond_init(&keeper->tried, NULL);
    int r = pthread_create(&keeper->thread, NULL, run, keeper);
    if (r != 0) {
        free(keeper);
        return -r;
    }
    *ret_keeper = keeper;
    return 0;
}

void audit_keeper_add(struct audit_keeper *keeper, struct text *members)
{
    if (!keeper) {
        text_free(members);
        return;
    }
    pthread_mutex_lock(&keeper->lock);
    if (keeper->count < AUDIT_KEEPER_QUEUE) {
        keeper->queue[(keeper->first + keeper->count++) % AUDIT_KEEPER_QUEUE] = *members;
        *members = (struct text){0};
    } else {
        keeper->lost++;
    }
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    text_free(members);
}

void audit_keeper_rotate(struct audit_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->rotate = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
}

void audit_keeper_drain(struct audit_keeper *keeper, long ms)
{
    struct timespec until = clock_in(ms);
    pthread_mutex_lock(&keeper->lock);
    int waited = 0;
    while ((keeper->busy || (keeper->count > 0 && !keeper->blocked)) && waited == 0)
        waited = pthread_cond_clockwait(&keeper->tried, &keeper->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&keeper->lock);
}

bool audit_keeper_stop(struct audit_keeper *keeper, int seconds)
{
    if (!keeper)
        return true;
    struct timespec deadline = clock_in(seconds * 1000L);
    pthread_mutex_lock(&keeper->lock);
    keeper->stop = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    if (!clock_join(keeper->thread, &deadline))
        return false;
    keeper->lost += (unsigned)keeper->count;
    say_lost(keeper);
    while (keeper->count > 0)
        drop_first(keeper);
    pthread_cond_destroy(&keeper->tried);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
    return true;
}
