/* One connection: reads, cuts into messages, has them served, and sends the replies. */
#include "config.h"
#include "agent/conn.h"
#include "agent/clock.h"
#include "agent/reply.h"
#include "pkcs11/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct conn *conn_new(int fd, const struct peer *peer)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->peer = *peer;
    varlink_input_init(&conn->input, VARLINK_REQUEST_MAX);
    atomic_store(&conn->active, clock_ms());
    return conn;
}

void conn_free(struct conn *conn)
{
    if (!conn)
        return;
    varlink_input_clear(&conn->input);
    text_free(&conn->unsent);
    peer_clear(&conn->peer);
    close(conn->fd);
    free(conn);
}

void conn_refuse(struct conn *conn)
{
    struct text reply = {0};
    reply_error(&reply, REFUSAL_OVERLOADED,
                &(struct refusal){.message = "Too many connections are open."});
    if (!reply.failed)
        varlink_send(conn->fd, reply.data, reply.length);
    text_free(&reply);
    conn_free(conn);
}

/* Sends as much as the socket takes; keeps the rest. Returns a negative errno when the caller is
 * gone. */
static int send_replies(struct conn *conn, const char *data, size_t length)
{
    ssize_t n = varlink_send(conn->fd, data, length);
    if (n < 0)
        return (int)n;
    if ((size_t)n < length)
        text_add(&conn->unsent, data + n, length - (size_t)n);
    return conn->unsent.failed ? -ENOMEM : 0;
}

static int send_unsent(struct conn *conn)
{
    struct text unsent = conn->unsent;
    conn->unsent = (struct text){0};
    int r = unsent.length ? send_replies(conn, unsent.data, unsent.length) : 0;
    /* Whoever reads at all gets time for the rest. */
    if (r == 0 && conn->unsent.length < unsent.length)
        atomic_store(&conn->deadline, 0);
    text_free(&unsent);
    return r;
}

/* Reads once. Returns a negative errno when the connection is broken. */
static int receive(struct conn *conn)
{
    ssize_t n = varlink_input_read(&conn->input, conn->fd);
    if (n == 0)
        conn->ended = true;
    if (n == -EMSGSIZE) /* the line says so to the caller: see serve_batch */
        return 0;
    return n < 0 && n != -EAGAIN && n != -EWOULDBLOCK ? (int)n : 0;
}

/* Whether others need this worker now. */
static bool is_over(const struct serving *serving)
{
    return serving->count > 0 && serving->idle && atomic_load(serving->idle) == 0 &&
           clock_ns() - serving->start >= CONN_TURN_NS;
}

static void serve_batch(struct conn *conn, struct serving *serving)
{
    struct conf *conf = service_conf(serving->service);
    char *message;
    size_t length;
    serve_clear(serving);
    while (!conn->doomed && serving->count < SERVE_BATCH_MAX &&
           serving->replies.length < CONN_REPLIES_MAX && !is_over(serving)) {
        int r = varlink_input_next(&conn->input, &message, &length);
        if (r == 0)
            break;
        if (r < 0) /* too long: answered as what it is, no message */
            conn->doomed = !serve_message(serving, conf, &conn->peer, (char[1]){0}, 0);
        else
            conn->doomed = !serve_message(serving, conf, &conn->peer, message, length);
    }
    serve_commit(serving);
    conn->limits = conf->limits;
    conf_unref(conf);
    conn->resume = serving->resume;
}

/* Starts the clock of what is under way, or stops it. */
static void set_deadline(struct conn *conn, unsigned seconds)
{
    if (seconds == 0)
        atomic_store(&conn->deadline, 0);
    else if (atomic_load(&conn->deadline) == 0)
        atomic_store(&conn->deadline, watch_awake() + (int64_t)seconds * 1000);
}

static enum conn_wait next_wait(struct conn *conn, bool last)
{
    if (conn->unsent.length > 0) {
        set_deadline(conn, conn->limits.send_timeout);
        return CONN_WRITE;
    }
    if (conn->doomed)
        return CONN_CLOSE;
    if (varlink_input_ready(&conn->input)) {
        /* Its turn comes when the socket has room, so here too the caller must read. */
        set_deadline(conn, conn->limits.send_timeout);
        return CONN_TURN;
    }
    if (conn->ended || last)
        return CONN_CLOSE;
    set_deadline(conn, varlink_input_partial(&conn->input) ? conn->limits.receive_timeout : 0);
    return CONN_READ;
}

static enum conn_wait serve(struct conn *conn, struct serving *serving, bool last)
{
    atomic_store(&conn->active, clock_ms());
    if (send_unsent(conn) < 0)
        return CONN_CLOSE;
    if (conn->unsent.length > 0)
        return next_wait(conn, last);
    if (!conn->ended && !last && !varlink_input_ready(&conn->input) && receive(conn) < 0)
        return CONN_CLOSE;
    serve_batch(conn, serving);
    if (serving->count > 0)
        atomic_store(&conn->deadline, 0);
    if (serving->replies.failed ||
        send_replies(conn, serving->replies.data, serving->replies.length) < 0)
        return CONN_CLOSE;
    return next_wait(conn, last);
}

enum conn_wait conn_serve(struct conn *conn, struct serving *serving, bool last)
{
    conn->input.spare = &serving->input; /* as long as this thread serves it */
    atomic_store(&conn->wait, CONN_CLOSE);
    enum conn_wait wait = serve(conn, serving, last);
    atomic_store(&conn->wait, wait);
    conn->input.spare = NULL;
    return wait;
}

static bool has_passed(const struct conn *conn, int64_t now)
{
    int64_t deadline = atomic_load(&conn->deadline);
    return deadline && deadline < now;
}

bool conn_is_late(const struct conn *conn, int64_t now)
{
    static const short part[] = {
        [CONN_READ] = POLLIN, [CONN_WRITE] = POLLOUT, [CONN_TURN] = POLLOUT};
    enum conn_wait wait = atomic_load(&conn->wait);
    struct pollfd caller = {.fd = conn->fd, .events = part[wait]};
    return wait != CONN_CLOSE && has_passed(conn, now) && poll(&caller, 1, 0) == 0 &&
           atomic_load(&conn->wait) == wait && has_passed(conn, now); /* not served meanwhile */
}
