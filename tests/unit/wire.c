/* One connection of the agent and the caller's end of it, over a socket pair. */
#include "config.h"
#include "tests/unit/wire.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn *wire_conn;

static struct serving serving;
static int caller = -1;
static char received[1024 * 1024];
static size_t received_length, taken;

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

void wire_open(struct service *service, int send_buffer)
{
    int fds[2], type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    struct peer peer;
    wire_close();
    must(socketpair(AF_UNIX, type, 0, fds) == 0, "socketpair");
    if (send_buffer)
        must(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer) == 0,
             "SO_SNDBUF");
    must(peer_identify(fds[0], "default", PEER_PID_PIDFD, &peer) == 0, "peer_identify");
    wire_conn = conn_new(fds[0], &peer);
    must(wire_conn != NULL, "conn_new");
    serving = (struct serving){.service = service};
    caller = fds[1];
    received_length = taken = 0;
}

void wire_close(void)
{
    conn_free(wire_conn);
    wire_conn = NULL;
    serve_free(&serving);
    serving = (struct serving){0};
    wire_hang_up();
}

size_t wire_send(const void *data, size_t length)
{
    ssize_t n = send(caller, data, length, MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

void wire_call(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *message = quoted(text);
    size_t length = strlen(message) + 1;
    must(wire_send(message, length) == length, "send");
    free(message);
}

void wire_half_close(void)
{
    shutdown(caller, SHUT_WR);
}

void wire_hang_up(void)
{
    if (caller >= 0)
        close(caller);
    caller = -1;
}

static enum conn_wait serve(bool last)
{
    enum conn_wait wait = conn_serve(wire_conn, &serving, last);
    if (wait == CONN_CLOSE) {
        conn_free(wire_conn);
        wire_conn = NULL;
    }
    return wait;
}

enum conn_wait wire_serve(void)
{
    return serve(false);
}

enum conn_wait wire_serve_last(void)
{
    return serve(true);
}

size_t wire_receive(size_t max)
{
    size_t before = received_length;
    size_t end = max < sizeof received - before ? before + max : sizeof received;
    while (received_length < end) {
        ssize_t n = recv(caller, received + received_length, end - received_length, 0);
        if (n <= 0)
            break;
        received_length += (size_t)n;
    }
    return received_length - before;
}

const char *wire_reply(void)
{
    wire_receive(SIZE_MAX);
    const char *start = received + taken;
    const char *end = memchr(start, '\0', received_length - taken);
    if (!end)
        return NULL;
    taken = (size_t)(end - received) + 1;
    return start;
}

bool wire_replied(const char *part)
{
    const char *reply = wire_reply();
    char *wanted = quoted(part);
    bool found = reply && strstr(reply, wanted);
    if (!found)
        fprintf(stderr, "\"%.200s\" lacks \"%s\"\n", reply ? reply : "", wanted);
    free(wanted);
    return found;
}

bool wire_silent(void)
{
    wire_receive(SIZE_MAX);
    return taken == received_length;
}

bool wire_closed(void)
{
    char byte;
    bool silent = wire_silent();
    ssize_t n = recv(caller, &byte, 1, 0); /* reset, where something was left unread */
    return silent && !wire_conn && (n == 0 || (n < 0 && errno == ECONNRESET));
}
