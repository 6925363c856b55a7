/* Takes over the listening sockets that the service manager has opened. */
#include "config.h"
#include "agent/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

static const char *const variables[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};

static unsigned long number(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    return text && *end == '\0' ? value : 0;
}

static bool has_option(int fd, int option, int wanted)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static bool is_listener(int fd)
{
    return has_option(fd, SO_DOMAIN, AF_UNIX) && has_option(fd, SO_TYPE, SOCK_STREAM) &&
           has_option(fd, SO_ACCEPTCONN, 1);
}

static bool is_known(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        if (strcmp(conf->listeners[i].name, name) == 0)
            return true;
    return false;
}

static bool is_taken(const struct activation *activation, const char *name)
{
    for (size_t i = 0; i < activation->count; i++)
        if (strcmp(activation->sockets[i].name, name) == 0)
            return true;
    return false;
}

/* Returns what is wrong with the next socket, or NULL. */
static const char *take(struct activation *activation, const struct conf *conf, const char *name)
{
    int fd = FIRST_FD + (int)activation->count, flags = fcntl(fd, F_GETFL);
    if (!is_known(conf, name))
        return "no listener has that name";
    if (is_taken(activation, name))
        return "another one has that name";
    if (!is_listener(fd))
        return "not a listening Unix stream socket";
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return strerror(errno);
    snprintf(activation->sockets[activation->count].name, ACTIVATION_NAME_MAX + 1, "%s", name);
    activation->sockets[activation->count++].fd = fd;
    return NULL;
}

/* The names are separated by colons; where they end, sockets have none. */
static int take_all(struct activation *activation, const struct conf *conf, size_t count,
                    char *error)
{
    char *names = strdup(getenv("LISTEN_FDNAMES") ?: ""), *rest = names;
    if (!names) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    const char *wrong = NULL;
    while (!wrong && activation->count < count) {
        const char *name = rest ? strsep(&rest, ":") : "";
        wrong = take(activation, conf, name);
        if (wrong)
            snprintf(error, CONF_ERROR_MAX, "socket %.256s of the service manager: %s", name,
                     wrong);
    }
    free(names);
    return wrong ? -1 : 0;
}

int activation_take(const struct conf *conf, struct activation *ret_activation,
                    char error[static CONF_ERROR_MAX])
{
    struct activation activation = {0};
    int r = 0;
    size_t count = number("LISTEN_PID") == (unsigned long)getpid() ? number("LISTEN_FDS") : 0;
    if (count > ACTIVATION_MAX) {
        snprintf(error, CONF_ERROR_MAX, "more than %d sockets of the service manager",
                 ACTIVATION_MAX);
        r = -1;
    } else {
        r = take_all(&activation, conf, count, error);
    }
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    if (r == 0)
        *ret_activation = activation;
    return r;
}

int activation_find(struct activation *activation, const char *name)
{
    for (size_t i = 0; i < activation->count; i++) {
        int fd = activation->sockets[i].fd;
        if (fd < 0 || strcmp(activation->sockets[i].name, name) != 0)
            continue;
        activation->sockets[i].fd = -1;
        return fd;
    }
    return -1;
}
