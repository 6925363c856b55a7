/* Preloaded into a program, makes its monotonic clock run HASTE times as fast, a hundred unless the
 * environment says otherwise: for tests of limits that take half a minute. What waits in the kernel
 * waits as ever. */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HASTE  100
#define SECOND 1000000000LL

static long long haste(void)
{
    static _Atomic long long times;
    if (times == 0) {
        const char *text = getenv("HASTE");
        times = text ? atol(text) : HASTE;
    }
    return times;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static _Atomic long long start;
    long r = syscall(SYS_clock_gettime, clock, ret_time);
    if (r != 0 || clock != CLOCK_MONOTONIC)
        return (int)r;
    long long now = ret_time->tv_sec * SECOND + ret_time->tv_nsec;
    long long first = 0;
    if (atomic_compare_exchange_strong(&start, &first, now))
        first = now;
    now += (now - first) * (haste() - 1);
    ret_time->tv_sec = now / SECOND;
    ret_time->tv_nsec = now % SECOND;
    return 0;
}
