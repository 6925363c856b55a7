/* Preloaded into a program, makes its monotonic clock run HASTE times as fast, a hundred unless the
 * environment says otherwise: for tests of limits that take half a minute. Waits for a condition
 * and in poll end by that clock, too; whatever else waits in the kernel waits as ever. */
#include "config.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
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

static _Atomic long long
    start; /* when somebody first asked for the time; the same on both clocks */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
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

/* The moment on the kernel's clock at which the fast one shows `fast`. */
static struct timespec real_moment(const struct timespec *fast)
{
    long long moment = fast->tv_sec * SECOND + fast->tv_nsec;
    moment = start + (moment - start) / haste();
    return (struct timespec){.tv_sec = moment / SECOND, .tv_nsec = moment % SECOND};
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *until)
{
    int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *) =
        dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    struct timespec moment = clock == CLOCK_MONOTONIC ? real_moment(until) : *until;
    return wait(condition, mutex, clock, &moment);
}

int poll(struct pollfd *fds, nfds_t count, int ms)
{
    long long ns = ms * (SECOND / 1000) / haste();
    struct timespec wait = {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
    return ppoll(fds, count, ms < 0 ? NULL : &wait, NULL);
}

/* What it is called where the size of `fds` is known (_FORTIFY_SOURCE). */
int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
    (void)size;
    return poll(fds, count, ms);
}
