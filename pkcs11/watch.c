/* Marks since when a thread has been in a call of a module. */
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
        atomic_store(&watching->since, watch_now() + ms);
}

void watch_end(void)
{
    if (watching)
        atomic_store(&watching->since, 0);
    watching = NULL;
}
