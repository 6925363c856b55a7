/* The admin socket and its thread: one caller after the other, one message after the other. */
#include "config.h"
#include "agent/admin.h"
#include "agent/admin_serve.h"
#include "agent/clock.h"
#include "agent/listener.h"
#include "agent/log.h"
#include "agent/reply.h"
#include "client/varlink.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct admin {
    struct service *service;
    struct reload *reload;
    struct admin_mint *mint;
    const struct conf_listener *conf;
    struct listener listener;
    int stop; /* an event: readable for good once it is time */
    pthread_t thread;
    /* Of the caller who is served; never moved, so that it can be wiped. */
    char input[ADMIN_MESSAGE_MAX];
    size_t length;
    bool failed; /* no connection could be accepted, which was logged */
};

/* Waits for one of the events, until `deadline` (-1: for ever). Returns false at the end. */
static bool wait_for(const struct admin *admin, int fd, short events, int64_t deadline)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = admin->stop, .events = POLLIN}};
    int n;
    do {
        int64_t left = deadline < 0 ? -1 : deadline - clock_ms();
        if (deadline >= 0 && left <= 0)
            return false;
        n = poll(fds, 2, (int)left);
    } while (n < 0 && errno == EINTR);
    return n > 0 && !fds[1].revents;
}

static bool send_reply(const struct admin *admin, int fd, const struct text *reply)
{
    int64_t deadline = clock_ms() + ADMIN_IDLE_MS;
    size_t sent = 0;
    while (!reply->failed && sent < reply->length) {
        ssize_t n = varlink_send(fd, reply->data + sent, reply->length - sent);
        if (n < 0 || !wait_for(admin, fd, POLLOUT, deadline))
            return false;
        sent += (size_t)n;
    }
    return !reply->failed;
}

/* Forgets the first bytes of the input, with what they say. */
static void drop_input(struct admin *admin, size_t length)
{
    size_t rest = admin->length - length;
    memmove(admin->input, admin->input + length, rest);
    explicit_bzero(admin->input + rest, length);
    admin->length = rest;
}

/* Reads on to the end of a message. Returns its length without the NUL, -EMSGSIZE, or -ECANCELED
 * where none comes. */
static ssize_t read_message(struct admin *admin, int fd)
{
    int64_t deadline = clock_ms() + ADMIN_IDLE_MS;
    for (;;) {
        const char *end = memchr(admin->input, '\0', admin->length);
        if (end)
            return end - admin->input;
        if (admin->length == sizeof admin->input)
            return -EMSGSIZE;
        if (!wait_for(admin, fd, POLLIN, deadline))
            return -ECANCELED;
        ssize_t n = recv(fd, admin->input + admin->length, sizeof admin->input - admin->length, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -ECANCELED;
        admin->length += n > 0 ? (size_t)n : 0;
    }
}

static bool serve_one(struct admin *admin, int fd, const struct peer *peer)
{
    struct text reply = {0};
    ssize_t length = read_message(admin, fd);
    if (length == -ECANCELED)
        return false;
    /* One that is too long is answered as what it is, no message. */
    bool more = admin_serve(admin->service, admin->reload, admin->mint, peer, admin->input,
                            length < 0 ? 0 : (size_t)length, &reply);
    drop_input(admin, length < 0 ? admin->length : (size_t)length + 1);
    more &= send_reply(admin, fd, &reply);
    text_free(&reply);
    return more;
}

static void serve_caller(struct admin *admin, int fd)
{
    struct peer peer;
    if (peer_identify(fd, admin->conf->name, admin->service->sight.pid, &peer) < 0)
        return;
    if (peer_is_administrator(&peer)) {
        while (serve_one(admin, fd, &peer))
            ;
        drop_input(admin, admin->length);
    } else {
        struct text reply = {0};
        log_warning("admin socket: uid %u was sent away", peer.uid);
        reply_error(&reply, REFUSAL_NO_ADMINISTRATOR, &(struct refusal){0});
        send_reply(admin, fd, &reply);
        text_free(&reply);
    }
    peer_clear(&peer);
}

static void *run(void *argument)
{
    struct admin *admin = argument;
    while (wait_for(admin, admin->listener.fd, POLLIN, -1)) {
        int fd = accept4(admin->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            serve_caller(admin, fd);
            close(fd);
        } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            if (!admin->failed)
                log_error("admin socket: accept: %s", strerror(errno));
            wait_for(admin, -1, 0, clock_ms() + 1000);
        }
        admin->failed = fd < 0;
    }
    return NULL;
}

static int fail(struct admin *admin, const char *what, int number, char *error)
{
    snprintf(error, CONF_ERROR_MAX, "admin socket: %s: %s", what, strerror(number));
    admin_stop(admin, 1);
    return -1;
}

int admin_start(struct service *service, struct reload *reload, const struct conf_listener *conf,
                struct admin **ret_admin, char error[static CONF_ERROR_MAX])
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    *admin = (struct admin){.service = service, .reload = reload, .conf = conf, .stop = -1};
    admin->listener.fd = -1;
    if (listener_open(conf, &(struct activation){.count = 0}, &admin->listener, error) < 0) {
        admin_stop(admin, 1);
        return -1;
    }
    int r = admin_mint_start(service, &admin->mint);
    if (r < 0)
        return fail(admin, "cannot start a thread", -r, error);
    admin->stop = eventfd(0, EFD_CLOEXEC);
    if (admin->stop < 0)
        return fail(admin, "eventfd", errno, error);
    r = pthread_create(&admin->thread, NULL, run, admin);
    if (r != 0) {
        close(admin->stop);
        admin->stop = -1;
        return fail(admin, "cannot start a thread", r, error);
    }
    *ret_admin = admin;
    return 0;
}

static void end_thread(struct admin *admin)
{
    uint64_t one = 1;
    size_t count;
    struct token **tokens = hsm_tokens(admin->service->hsm, &count);
    for (size_t i = 0; i < count; i++)
        prober_end_orders(tokens[i]->prober);
    reload_end(admin->reload);
    admin_mint_end(admin->mint);
    (void)!write(admin->stop, &one, sizeof one);
    pthread_join(admin->thread, NULL);
    close(admin->stop);
}

bool admin_stop(struct admin *admin, int seconds)
{
    if (!admin)
        return true;
    if (admin->stop >= 0)
        end_thread(admin);
    listener_close(&admin->listener);
    explicit_bzero(admin->input, sizeof admin->input);
    bool stopped = admin_mint_stop(admin->mint, seconds);
    free(admin);
    return stopped;
}
