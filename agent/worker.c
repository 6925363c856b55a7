/* The worker threads: no hand-over, the one that wakes up serves the connection to the end. */
#include "config.h"
#include "agent/worker.h"
#include "agent/clock.h"
#include "agent/fair.h"
#include "agent/log.h"
#include "agent/throttle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RESERVE_DUTY_MS 1000 /* the reserve looks whether it is still needed */

struct worker {
    struct workers *workers;
    pthread_t thread;
    atomic_bool busy; /* serves a connection: for workers_busy */
    struct serving serving;
};

struct workers {
    struct service *service;
    struct limits *limits;
    struct throttle *throttle;
    struct fair *fair;
    int epoll_fd;
    int stop_fd; /* readable once the threads shall end */
    int duty_fd; /* readable while the reserve serves */
    unsigned regular;
    bool relieved;
    atomic_bool finishing;
    struct worker *list;
    unsigned count;
};

/* EPOLLONESHOT: one thread at a time. A connection with whole messages waiting in memory is armed
 * for writing as well, which is possible at once: the kernel knows nothing of those messages, and
 * would not report them. */
static const uint32_t events[] = {
    [CONN_READ] = EPOLLIN | EPOLLONESHOT,
    [CONN_WRITE] = EPOLLOUT | EPOLLONESHOT,
    [CONN_TURN] = EPOLLIN | EPOLLOUT | EPOLLONESHOT,
};

static void end(struct workers *workers, struct conn *conn)
{
    limits_remove(workers->limits, conn);
    conn_free(conn);
}

/* Lets the connection be reported when it has what it waits for. From then on it is another
 * thread's: epoll orders the two in time, but promises nothing about memory. */
static void arm(struct conn *conn, void *context)
{
    struct workers *workers = context;
    struct epoll_event event = {.events = events[conn->wait], .data.ptr = conn};
    int fd = conn->fd;
    atomic_fetch_add(&conn->turns, 1);
    if (epoll_ctl(workers->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
        end(workers, conn);
}

static void serve(struct worker *worker, struct conn *conn)
{
    struct workers *workers = worker->workers;
    struct caller caller = caller_of(&conn->peer);
    atomic_store(&conn->busy, true);
    enum conn_wait wait = conn_serve(conn, &worker->serving, atomic_load(&workers->finishing));
    fair_end(workers->fair, &caller);
    if (conn->resume)
        throttle_notice(workers->throttle);
    if (wait == CONN_CLOSE) {
        end(workers, conn);
        return;
    }
    atomic_store(&conn->busy, wait != CONN_READ || varlink_input_partial(&conn->input));
    if (conn->resume > clock_ms())
        throttle_rest(workers->throttle, conn);
    else
        arm(conn, workers);
}

/* Waits at most `ms` (-1: for ever), not at all while somebody's turn is put off. Returns false
 * when it is time to end. */
static bool serve_next(struct worker *worker, int ms)
{
    struct workers *workers = worker->workers;
    bool idle;
    struct conn *conn = fair_next(workers->fair, &idle);
    if (!conn) {
        struct epoll_event event;
        int n = epoll_wait(workers->epoll_fd, &event, 1, idle ? ms : 0);
        if (n < 0 && errno != EINTR)
            log_error("epoll_wait: %s", strerror(errno));
        struct conn *ready = n == 1 ? event.data.ptr : NULL;
        if (n == 1 && !ready)
            return false;
        if (ready)
            atomic_load(&ready->turns); /* takes over what the thread before us wrote: see arm */
        conn = fair_admit(workers->fair, ready, idle);
    }
    if (conn) {
        atomic_store_explicit(&worker->busy, true, memory_order_relaxed);
        serve(worker, conn);
        atomic_store_explicit(&worker->busy, false, memory_order_relaxed);
    }
    return true;
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    while (serve_next(worker, -1))
        ;
    return NULL;
}

static void *run_in_reserve(void *argument)
{
    struct worker *worker = argument;
    struct pollfd fds[] = {{.fd = worker->workers->stop_fd, .events = POLLIN},
                           {.fd = worker->workers->duty_fd, .events = POLLIN}};
    bool more = true;
    while (more && (poll(fds, 2, -1) < 0 || !fds[0].revents))
        more = serve_next(worker, RESERVE_DUTY_MS);
    return NULL;
}

static int open_fds(struct workers *workers)
{
    workers->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    workers->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    workers->duty_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event stop = {.events = EPOLLIN, .data.ptr = NULL};
    if (workers->epoll_fd < 0 || workers->stop_fd < 0 || workers->duty_fd < 0 ||
        epoll_ctl(workers->epoll_fd, EPOLL_CTL_ADD, workers->stop_fd, &stop) < 0)
        return -errno;
    return 0;
}

static int start_threads(struct workers *workers, unsigned count)
{
    for (; workers->count < count; workers->count++) {
        struct worker *worker = &workers->list[workers->count];
        worker->workers = workers;
        worker->serving.service = workers->service;
        worker->serving.number = workers->count;
        worker->serving.idle = fair_idle(workers->fair);
        bool regular = workers->count < workers->regular;
        int r = pthread_create(&worker->thread, NULL, regular ? run : run_in_reserve, worker);
        if (r != 0)
            return -r;
    }
    return 0;
}

static struct workers *workers_new(unsigned regular, unsigned threads)
{
    struct workers *workers = calloc(1, sizeof *workers);
    struct worker *list = calloc(threads, sizeof *list);
    struct fair *fair = fair_new(regular);
    if (!workers || !list || !fair) {
        free(workers);
        free(list);
        fair_free(fair);
        return NULL;
    }
    *workers = (struct workers){.list = list,
                                .regular = regular,
                                .fair = fair,
                                .epoll_fd = -1,
                                .stop_fd = -1,
                                .duty_fd = -1};
    return workers;
}

int workers_start(struct service *service, struct limits *limits, unsigned count,
                  struct workers **ret_workers)
{
    unsigned threads = count + (count + 2) / 3;
    struct workers *workers = workers_new(count, threads);
    if (!workers)
        return -ENOMEM;
    workers->service = service;
    workers->limits = limits;
    int r = throttle_start(service, arm, workers, &workers->throttle);
    if (r == 0)
        r = open_fds(workers);
    if (r == 0)
        r = start_threads(workers, threads);
    if (r < 0) {
        workers_stop(workers, 1);
        return r;
    }
    *ret_workers = workers;
    return 0;
}

unsigned workers_threads(const struct workers *workers)
{
    return workers->count;
}

unsigned workers_busy(const struct workers *workers)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < workers->count; i++)
        busy += atomic_load_explicit(&workers->list[i].busy, memory_order_relaxed);
    return busy;
}

void workers_relieve(struct workers *workers, unsigned slow)
{
    uint64_t one = 1;
    bool needed = slow >= (workers->regular * 3 + 3) / 4;
    if (needed == workers->relieved)
        return;
    workers->relieved = needed;
    if (needed)
        (void)!write(workers->duty_fd, &one, sizeof one);
    else
        (void)!read(workers->duty_fd, &one, sizeof one);
}

void workers_add(struct workers *workers, struct conn *conn)
{
    struct epoll_event event = {.events = events[CONN_READ], .data.ptr = conn};
    if (epoll_ctl(workers->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) == 0)
        return;
    log_error("epoll_ctl: %s", strerror(errno));
    end(workers, conn);
}

void workers_finish(struct workers *workers)
{
    atomic_store(&workers->finishing, true);
    throttle_finish(workers->throttle);
}

bool workers_stop(struct workers *workers, int seconds)
{
    if (!workers)
        return true;
    uint64_t one = 1;
    if (workers->stop_fd >= 0)
        (void)!write(workers->stop_fd, &one, sizeof one);
    struct timespec deadline = clock_in(seconds * 1000L);
    for (unsigned i = 0; i < workers->count; i++) {
        if (!clock_join(workers->list[i].thread, &deadline))
            return false;
        serve_free(&workers->list[i].serving);
    }
    if (!throttle_stop(workers->throttle, &deadline))
        return false;
    fair_free(workers->fair);
    if (workers->epoll_fd >= 0)
        close(workers->epoll_fd);
    if (workers->stop_fd >= 0)
        close(workers->stop_fd);
    if (workers->duty_fd >= 0)
        close(workers->duty_fd);
    free(workers->list);
    free(workers);
    return true;
}
