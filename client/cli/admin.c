/* Asks the agent on its admin socket: one call, one reply. The library is for applications, and
 * repeats a call whose connection broke; here a PIN may be in it. */
#include "config.h"
#include "client/cli/admin.h"

#include "client/cli/input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET  "/run/hintsign/admin.sock"
#define INTERFACE       "io.hintsign.Admin."
#define DEFAULT_SECONDS 30
#define CALL_MAX        ((size_t)32 * 1024) /* bytes, the NUL included */
#define REPLY_MAX       ((size_t)64 * 1024)

static const char *socket_path(const struct cli *cli)
{
    const char *path = cli->socket ? cli->socket : secure_getenv("HINTSIGN_ADMIN_SOCKET");
    return path && *path ? path : DEFAULT_SOCKET;
}

static int open_socket(const struct cli *cli, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = socket_path(cli);
    int ms = cli->timeout_ms ? cli->timeout_ms : DEFAULT_SECONDS * 1000;
    struct timeval limit = {.tv_sec = ms / 1000};
    if (strlen(path) >= sizeof address.sun_path)
        return cli_fail(CLI_USAGE, "Usage", "the socket's path is too long");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        cli_fail(CLI_UNREACHABLE, "Unreachable", "cannot connect to the agent at %s: %m", path);
        if (fd >= 0)
            close(fd);
        return CLI_UNREACHABLE;
    }
    *ret_fd = fd;
    return CLI_OK;
}

/* A JSON string. A NUL becomes an escape that the agent refuses. */
static size_t put_string(char *out, const char *text, size_t length)
{
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20)
            n += (size_t)sprintf(out + n, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            n += (size_t)sprintf(out + n, "\\%c", c);
        else
            out[n++] = text[i];
    }
    out[n++] = '"';
    return n;
}

/* Returns the length with the NUL, or 0 where there is no room. jansson does not see the PIN. */
static size_t write_call(char call[static CALL_MAX], const char *method, const json_t *parameters,
                         const struct pin *pin)
{
    __attribute__((cleanup(input_free))) char *text = json_dumps(parameters, JSON_COMPACT);
    size_t length = strlen(text) - 1; /* without the last brace */
    if (length + (pin ? pin->length * 6 : 0) + strlen(method) + 128 > CALL_MAX)
        return 0;
    size_t n = (size_t)sprintf(call, "{\"method\":\"" INTERFACE "%s\",\"parameters\":%.*s", method,
                               (int)length, text);
    if (pin) {
        n += (size_t)sprintf(call + n, "%s\"pin\":", json_object_size(parameters) ? "," : "");
        n += put_string(call + n, pin->text, pin->length);
    }
    memcpy(call + n, "}}", 3);
    return n + 3;
}

static int send_call(int fd, const char *call, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(fd, call + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        /* Whoever is sent away has an answer to read. */
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return CLI_OK;
        if (n < 0)
            return cli_fail(CLI_UNREACHABLE, "Unreachable", "cannot send to the agent: %m");
        sent += (size_t)n;
    }
    return CLI_OK;
}

/* Reads to the end of the reply, which is kept in `reply` with its NUL. */
static int read_reply(int fd, char reply[static REPLY_MAX])
{
    size_t length = 0;
    while (length == 0 || !memchr(reply, '\0', length)) {
        if (length == REPLY_MAX)
            return cli_fail(CLI_UNREACHABLE, "Protocol", "the agent's reply is too long");
        ssize_t n = recv(fd, reply + length, REPLY_MAX - length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return cli_fail(CLI_AGAIN, "Timeout",
                            "the agent did not answer in time; hintsign status shows what is");
        if (n <= 0)
            return cli_fail(CLI_UNREACHABLE, "Unreachable",
                            "the agent closed the connection without an answer");
        length += (size_t)n;
    }
    return CLI_OK;
}

/* An error is one that is worth trying again where the agent says when, or waits for a PIN. */
static int report(const char *error, const json_t *parameters)
{
    const char *dot = strrchr(error, '.'), *name = dot ? dot + 1 : error;
    const char *message = json_string_value(json_object_get(parameters, "message"));
    bool again = json_object_get(parameters, "retry_after_ms") || strcmp(name, "Locked") == 0;
    return cli_fail(again ? CLI_AGAIN : CLI_REFUSED, name, "%s",
                    message ? message : "the agent does not accept the call");
}

static int take_reply(const char *text, json_t **ret_parameters)
{
    json_auto_t *reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *parameters = json_object_get(reply, "parameters");
    const char *error = json_string_value(json_object_get(reply, "error"));
    if (error)
        return report(error, parameters);
    if (!json_is_object(parameters))
        return cli_fail(CLI_UNREACHABLE, "Protocol", "what answers there is no admin socket");
    *ret_parameters = json_incref(parameters);
    return CLI_OK;
}

int admin_call(const struct cli *cli, const char *method, const json_t *parameters, struct pin *pin,
               json_t **ret_parameters)
{
    static char call[CALL_MAX], reply[REPLY_MAX];
    int fd = -1;
    int status = open_socket(cli, &fd);
    if (status != CLI_OK)
        return status;
    size_t length = write_call(call, method, parameters, pin);
    status = length ? send_call(fd, call, length)
                    : cli_fail(CLI_USAGE, "Usage", "the arguments or the PIN are too long");
    explicit_bzero(call, sizeof call);
    if (pin)
        pin_wipe(pin);
    if (status == CLI_OK)
        status = read_reply(fd, reply);
    close(fd);
    return status == CLI_OK ? take_reply(reply, ret_parameters) : status;
}
