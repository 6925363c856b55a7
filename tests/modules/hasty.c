/* Preloaded into a program, makes its monotonic clock run a hundred times as fast: for tests of
 * limits that take half a minute. What waits in the kernel waits as ever. */
#include "config.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HASTE  100
#define SECOND 1000000000LL

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    static long long start;
    long r = syscall(SYS_clock_gettime, clock, ret_time);
    if (r != 0 || clock != CLOCK_MONOTONIC)
        return (int)r;
    long long now = ret_time->tv_sec * SECOND + ret_time->tv_nsec;
    long long none = 0;
    __atomic_compare_exchange_n(&start, &none, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    now += (now - start) * (HASTE - 1);
    ret_time->tv_sec = now / SECOND;
    ret_time->tv_nsec = now % SECOND;
    return 0;
}
