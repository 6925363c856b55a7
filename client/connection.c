/* The handle and its socket: makes the connection, notices that it died, waits with a deadline. */
#include "config.h"
#include "client/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds until the deadline as poll takes them: -1 for ever, 0 when it has passed. */
static int remaining_ms(int64_t deadline)
{
    if (deadline < 0)
        return -1;
    int64_t left = deadline - now_ms();
    return left > 0 ? (int)left : 0;
}

/* A program that runs with its caller's environment but other rights must not be led to a
 * stranger's agent: secure_getenv. */
static const char *default_path(void)
{
    const char *path = secure_getenv("HINTSIGN_SOCKET");
    return path && *path ? path : VARLINK_DEFAULT_SOCKET;
}

int hintsign_open(const char *path, struct hintsign **ret_handle)
{
    if (!path)
        path = default_path();
    struct hintsign *handle = calloc(1, sizeof *handle);
    if (!handle)
        return HINTSIGN_NO_MEMORY;
    if (!*path || strlen(path) >= sizeof handle->path) {
        free(handle);
        return HINTSIGN_INVALID;
    }
    strcpy(handle->path, path);
    handle->timeout_ms = CONNECTION_TIMEOUT_MS;
    handle->fd = -1;
    varlink_input_init(&handle->input, VARLINK_REPLY_MAX);
    handle->input.spare = &handle->spare;
    error_set(&handle->error, HINTSIGN_OK, "%s", hintsign_strerror(HINTSIGN_OK));
    *ret_handle = handle;
    return HINTSIGN_OK;
}

void hintsign_close(struct hintsign *handle)
{
    if (!handle)
        return;
    connection_drop(handle);
    free(handle->spare);
    free(handle);
}

void hintsign_set_timeout(struct hintsign *handle, int milliseconds)
{
    handle->timeout_ms = milliseconds < 0 ? -1 : milliseconds;
}

int64_t connection_deadline(const struct hintsign *handle)
{
    return handle->timeout_ms < 0 ? -1 : now_ms() + handle->timeout_ms;
}

/* close and never shutdown: after a fork the parent still uses the same connection. */
void connection_drop(struct hintsign *handle)
{
    if (handle->fd >= 0)
        close(handle->fd);
    handle->fd = -1;
    varlink_input_clear(&handle->input);
}

static int timed_out(struct hintsign *handle)
{
    return error_set(&handle->error, HINTSIGN_TIMEOUT, "the agent did not answer within %d ms",
                     handle->timeout_ms);
}

/* How long a blocking call on the socket may take: -1 for ever. */
static int limit_wait(int fd, int option, int milliseconds)
{
    struct timeval limit = {0}; /* zero: no limit */
    if (milliseconds > 0)
        limit = (struct timeval){milliseconds / 1000, milliseconds % 1000 * 1000};
    return setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit);
}

/* While the agent's backlog is full a non-blocking connect fails at once and nothing tells when
 * there is room again; a blocking one waits for it, as long as SO_SNDTIMEO allows. */
static int connect_until(int fd, const struct sockaddr_un *address, int64_t deadline)
{
    int r;
    do {
        int left = remaining_ms(deadline);
        if (left == 0) {
            errno = EAGAIN;
            return -1;
        }
        r = limit_wait(fd, SO_SNDTIMEO, left);
        if (r == 0)
            r = connect(fd, (const struct sockaddr *)address, sizeof *address);
    } while (r < 0 && errno == EINTR);
    return r;
}

static int make_connection(struct hintsign *handle, int64_t deadline)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, handle->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(&handle->error, HINTSIGN_UNREACHABLE, "cannot make a socket: %m");
    if (connect_until(fd, &address, deadline) < 0) {
        int code = errno == EAGAIN
                       ? timed_out(handle)
                       : error_set(&handle->error, HINTSIGN_UNREACHABLE,
                                   "cannot connect to the agent at %s: %m", handle->path);
        close(fd);
        return code;
    }
    handle->fd = fd;
    handle->read_limit = -1;
    handle->owner = getpid();
    return 0;
}

int connection_ensure(struct hintsign *handle, int64_t deadline)
{
    if (handle->fd >= 0 && handle->owner != getpid())
        connection_drop(handle);
    if (handle->fd >= 0) {
        char byte;
        ssize_t n = recv(handle->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        connection_drop(handle);
        if (n > 0)
            return error_set(&handle->error, HINTSIGN_PROTOCOL,
                             "the agent sent a reply that nobody asked for");
    }
    return make_connection(handle, deadline);
}

/* Waits until the socket has something to read, or room. */
static int wait_for_either(struct hintsign *handle, int left, bool *ret_readable)
{
    struct pollfd entry = {.fd = handle->fd, .events = POLLIN | POLLOUT};
    if (poll(&entry, 1, left) < 0 && errno != EINTR)
        return error_set(&handle->error, HINTSIGN_UNREACHABLE, "cannot wait for the agent: %m");
    *ret_readable = (entry.revents & ~POLLOUT) != 0;
    return 0;
}

/* Reading itself waits, which spares a call. */
static int limit_reading(struct hintsign *handle, int left)
{
    if (left == handle->read_limit)
        return 0;
    if (limit_wait(handle->fd, SO_RCVTIMEO, left) < 0)
        return error_set(&handle->error, HINTSIGN_UNREACHABLE, "cannot wait for the agent: %m");
    handle->read_limit = left;
    return 0;
}

int connection_read(struct hintsign *handle, bool sending, int64_t deadline)
{
    /* Left to no call alone: an agent that sends byte after byte always has something to read. */
    int left = remaining_ms(deadline);
    if (left == 0)
        return timed_out(handle);
    bool readable = true;
    int code = sending ? wait_for_either(handle, left, &readable) : limit_reading(handle, left);
    if (code < 0 || !readable)
        return code;
    ssize_t n = varlink_input_read(&handle->input, handle->fd);
    if (n > 0 || n == -EAGAIN)
        return 0;
    if (n == -EMSGSIZE)
        return error_set(&handle->error, HINTSIGN_PROTOCOL, "the reply is longer than %zu bytes",
                         VARLINK_REPLY_MAX);
    if (n == -ENOMEM)
        return error_set_memory(&handle->error);
    return CONNECTION_LOST;
}
