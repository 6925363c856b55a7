/* Reads the clock that nobody sets. */
#include "config.h"
#include "agent/clock.h"

int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

struct timespec clock_in(long ms)
{
    int64_t at = clock_ns() + (int64_t)ms * 1000000;
    return (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
}

bool clock_join(pthread_t thread, const struct timespec *deadline)
{
#ifdef __SANITIZE_THREAD__ /* it takes only this one for the end of a thread */
    int64_t left = (int64_t)deadline->tv_sec * 1000000000 + deadline->tv_nsec - clock_ns();
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    left = (left > 0 ? left : 0) + until.tv_nsec;
    until.tv_sec += left / 1000000000;
    until.tv_nsec = left % 1000000000;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
#else
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, deadline) == 0;
#endif
}
