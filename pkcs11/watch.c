/* Marks since when a thread has been in a call of a module, and tells the time that counts. */
#include "config.h"
#include "pkcs11/watch.h"

#include <stddef.h>

/* Of this thread: calls are made in many places, which need not know who watches. */
static _Thread_local struct watch *watching;

int64_t watch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct timespec watch_timespec(int64_t at)
{
    return (struct timespec){.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
}

/* Written the other way round than they are read: a new horizon is never met with an old `asleep`,
 * so the clock does not jump. */
static _Atomic int64_t asleep;              /* for so long it has stood still */
static _Atomic int64_t horizon = INT64_MAX; /* it goes no further before the next tick */

static int64_t awake_at(int64_t now)
{
    int64_t most = atomic_load(&horizon), awake = now - atomic_load(&asleep);
    return awake < most ? awake : most;
}

int64_t watch_awake(void)
{
    return awake_at(watch_now());
}

void watch_tick(void)
{
    int64_t now = watch_now(), awake = awake_at(now);
    atomic_store(&asleep, now - awake);
    atomic_store(&horizon, awake + WATCH_TICK_MS);
}

void watch_begin(struct watch *watch)
{
    watching = watch;
    watch_beat();
}

void watch_beat(void)
{
    watch_allow(0);
}

void watch_allow(int64_t ms)
{
    if (watching)
        atomic_store(&watching->since, watch_awake() + ms);
}

void watch_end(void)
{
    if (watching)
        atomic_store(&watching->since, 0);
    watching = NULL;
}
