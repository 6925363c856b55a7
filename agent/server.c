/* The main thread: accepts, keeps limits, takes signals. Never calls PKCS#11. */
#include "config.h"
#include "agent/server.h"
#include "agent/admin.h"
#include "agent/audit_checkpoint.h"
#include "agent/clock.h"
#include "agent/listener.h"
#include "agent/log.h"
#include "agent/reload.h"
#include "agent/worker.h"
#include "pkcs11/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH 64
#define TICK_MS      1000
#define EXIT_HANG    70

struct server {
    struct service *service;
    struct limits limits;
    struct workers *workers;
    struct activation *activation;
    struct notify *notify;
    struct listener listeners[CONF_LISTENERS_MAX];
    struct admin *admin;
    size_t listener_count;
    struct conf *first; /* the listeners belong to it; kept to the end */
    int signals;
    struct reload reload;
    unsigned fitted; /* the configuration whose limits hold */
    int64_t next_tick;
    bool reloading; /* as the service manager was told */
    bool full;      /* no descriptors are left: accept nothing before the next tick */
};

static void signal_set(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGHUP);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGUSR1);
}

void server_block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* modules write to sockets as well */
    signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is an error like any other */
}

void server_wait_for_tokens(struct service *service)
{
    int64_t deadline = clock_ms() + SERVER_START_SECONDS * 1000, left;
    struct pollfd fd = {.fd = hsm_event_fd(service->hsm), .events = POLLIN};
    while (!hsm_resolved(service->hsm, service->conf->keyring)) {
        if ((left = deadline - clock_ms()) <= 0) {
            log_warning("a module has not answered yet: serving without it");
            return;
        }
        if (poll(&fd, 1, (int)left) > 0)
            hsm_take_event(service->hsm);
    }
}

static int open_listeners(struct server *server, char *error)
{
    const struct conf *conf = server->first;
    for (size_t i = 0; i < conf->listener_count; i++) {
        if (listener_open(&conf->listeners[i], server->activation, &server->listeners[i], error) <
            0)
            return -1;
        server->listener_count++;
    }
    return 0;
}

/* The limit of open files is what it is: connections that it has no room for are refused. */
static void fit_limits(struct server *server)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    const struct conf *conf = server->service->conf;
    size_t max = limits_set(&server->limits, &conf->limits, files.rlim_cur);
    server->fitted = conf->generation;
    if (max < conf->limits.connections)
        log_warning("at most %zu connections, because the limit of open files is %zu", max,
                    (size_t)files.rlim_cur);
}

static void look_at_callers(struct server *server)
{
    struct peer_sight sight = peer_look(server->first->peer_pid);
    if (sight.pid == PEER_PID_BEST_EFFORT)
        log_warning("a process may be taken for another that had its number: peer_pid is "
                    "best-effort");
    server->service->sight = sight;
}

/* When the tokens have answered, so that the first one has its key. */
static int start_checkpoints(struct server *server, char *error)
{
    struct service *service = server->service;
    int r =
        audit_checkpoint_start(service->audit, service->jose, server->first, &service->checkpoints);
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "cannot start a thread: %s", strerror(-r));
    return r;
}

static int start(struct server *server, char *error)
{
    sigset_t set;
    signal_set(&set);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signals < 0) {
        snprintf(error, CONF_ERROR_MAX, "signalfd: %s", strerror(errno));
        return -1;
    }
    fit_limits(server);
    look_at_callers(server);
    server_wait_for_tokens(server->service);
    reload_report(&server->reload, server->first);
    audit_keeper_drain(server->service->keeper, SERVER_RECORD_MS);
    if (start_checkpoints(server, error) < 0)
        return -1;
    int r =
        workers_start(server->service, &server->limits, server->first->workers, &server->workers);
    if (r < 0) {
        snprintf(error, CONF_ERROR_MAX, "cannot start the workers: %s", strerror(-r));
        return -1;
    }
    server->service->workers = server->workers;
    r = open_listeners(server, error);
    return r < 0 ? r
                 : admin_start(server->service, &server->reload, &server->first->admin,
                               &server->admin, error);
}

int server_start(struct service *service, const char *conf_path, struct activation *activation,
                 struct notify *notify, struct server **ret_server,
                 char error[static CONF_ERROR_MAX])
{
    struct server *server = calloc(1, sizeof *server);
    if (!server) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    server->service = service;
    server->activation = activation;
    server->notify = notify;
    server->first = service_conf(service);
    reload_init(&server->reload, service, conf_path, server->first);
    pthread_mutex_init(&server->limits.lock, NULL);
    service->limits = &server->limits;
    if (start(server, error) < 0) {
        server_stop(server, server_stop_deadline());
        return -1;
    }
    notify_ready(notify, server->first->generation);
    *ret_server = server;
    return 0;
}

static void admit(struct server *server, int fd, const char *listener)
{
    struct peer peer;
    int r = peer_identify(fd, listener, server->service->sight.pid, &peer);
    if (r < 0) {
        log_warning("a caller cannot be identified: %s", strerror(-r));
        close(fd);
        return;
    }
    struct conn *conn = conn_new(fd, &peer);
    if (!conn) {
        peer_clear(&peer);
        close(fd);
    } else if (limits_admit(&server->limits, conn)) {
        workers_add(server->workers, conn);
    } else {
        conn_refuse(conn);
    }
}

static void accept_some(struct server *server, const struct listener *listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(server, fd, listener->conf->name);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_error("accept: %s", strerror(errno));
            server->full = true;
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* Also when it could not be read: the service manager waits for the end of the reload. */
static void finish_reload(struct server *server)
{
    reload_finish(&server->reload);
    if (!server->reloading || server->reload.next.conf)
        return;
    server->reloading = false;
    notify_ready(server->notify, server->service->conf->generation);
}

/* Returns false when it is time to stop. */
static bool take_signals(struct server *server)
{
    struct signalfd_siginfo info;
    while (read(server->signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGHUP:
            notify_reloading(server->notify);
            server->reloading = true;
            reload_begin(&server->reload);
            break;
        case SIGUSR1:
            audit_keeper_rotate(server->service->keeper);
            break;
        default:
            log_info("stopping");
            notify_stopping(server->notify);
            return false;
        }
    }
    return true;
}

/* Rung 4: what hangs cannot be taken back, only left behind with the process. */
static void look_after_modules(struct server *server)
{
    unsigned slow;
    if (!hsm_look_after(server->service->hsm, workers_threads(server->workers), &slow)) {
        log_error("ending, to be started anew");
        _exit(EXIT_HANG);
    }
    workers_relieve(server->workers, slow);
}

static void tick(struct server *server)
{
    int64_t now = clock_ms();
    if (now < server->next_tick)
        return;
    server->next_tick = now + TICK_MS;
    server->full = false;
    if (server->fitted != server->service->conf->generation)
        fit_limits(server);
    notify_alive(server->notify, now);
    log_tell_lost();
    limits_expire(&server->limits, watch_awake());
    look_after_modules(server);
    if (server->service->conf->seals) /* keys go stale by themselves */
        reload_report(&server->reload, server->service->conf);
}

void server_run(struct server *server)
{
    server->next_tick = clock_ms();
    struct pollfd fds[2 + CONF_LISTENERS_MAX] = {
        {.fd = server->signals, .events = POLLIN},
        {.fd = hsm_event_fd(server->service->hsm), .events = POLLIN}};
    do {
        for (size_t i = 0; i < server->listener_count; i++)
            fds[2 + i] = (struct pollfd){.fd = server->full ? -1 : server->listeners[i].fd,
                                         .events = POLLIN};
        int n = poll(fds, 2 + server->listener_count, TICK_MS);
        watch_tick();
        for (size_t i = 0; n > 0 && i < server->listener_count; i++)
            if (fds[2 + i].revents)
                accept_some(server, &server->listeners[i]);
        if (n > 0 && fds[1].revents && hsm_take_event(server->service->hsm))
            reload_report(&server->reload, server->service->conf);
        finish_reload(server);
        tick(server);
    } while (take_signals(server));
}

int64_t server_stop_deadline(void)
{
    return clock_ms() + SERVER_STOP_SECONDS * 1000;
}

int server_seconds_left(int64_t deadline)
{
    int64_t left = (deadline - clock_ms()) / 1000;
    return left > 0 ? (int)left : 0;
}

/* Connections end by themselves once they can send no more; those that do not read their replies
 * are left behind when half of the time is over. */
static void drain(struct server *server, int64_t deadline)
{
    deadline -= (deadline - clock_ms()) / 2;
    workers_finish(server->workers);
    limits_end_all(&server->limits);
    while (limits_count(&server->limits) > 0 && clock_ms() < deadline)
        poll(NULL, 0, 5);
}

bool server_stop(struct server *server, int64_t deadline)
{
    if (!server)
        return true;
    for (size_t i = 0; i < server->listener_count; i++)
        listener_close(&server->listeners[i]);
    if (server->workers)
        drain(server, deadline);
    if (!workers_stop(server->workers, server_seconds_left(deadline)))
        return false;
    if (!admin_stop(server->admin, server_seconds_left(deadline)))
        return false;
    while (server->limits.first) {
        struct conn *conn = server->limits.first;
        limits_remove(&server->limits, conn);
        conn_free(conn);
    }
    if (server->signals > 0)
        close(server->signals);
    pthread_mutex_destroy(&server->limits.lock);
    reload_free(&server->reload);
    conf_unref(server->first);
    free(server);
    return true;
}
