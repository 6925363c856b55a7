/* Tells the service manager how the agent is, by the datagrams of sd_notify(3). */
#include "config.h"
#include "agent/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 256

static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};

/* A path, or behind "@" a name that is not in the file system. Returns its size, or 0. */
static socklen_t make_address(const char *text, struct sockaddr_un *ret_address)
{
    size_t length = text ? strlen(text) : 0;
    if (length < 2 || length >= sizeof ret_address->sun_path || !strchr("/@", text[0]))
        return 0;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, text, length);
    if (text[0] == '@')
        ret_address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '/'));
}

/* Twice as often as it must be, as sd_watchdog_enabled(3) recommends. */
static int64_t watchdog_interval(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *period = getenv("WATCHDOG_USEC");
    if (!period || (pid && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    return strtoll(period, NULL, 10) / 1000 / 2;
}

void notify_open(struct notify *ret_notify)
{
    struct notify notify = {.fd = -1};
    const struct timeval patience = {.tv_sec = 1}; /* the service manager may hang as well */
    notify.address_size = make_address(getenv("NOTIFY_SOCKET"), &notify.address);
    if (notify.address_size > 0)
        notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify.fd >= 0) {
        setsockopt(notify.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        notify.interval_ms = watchdog_interval();
    }
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    *ret_notify = notify;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

static void tell(const struct notify *notify, const char *message)
{
    if (notify->fd >= 0)
        (void)!sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL,
                      (const struct sockaddr *)&notify->address, notify->address_size);
}

void notify_ready(const struct notify *notify, unsigned configuration)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "READY=1\nSTATUS=Serves with configuration %u\n",
             configuration);
    tell(notify, message);
}

void notify_reloading(const struct notify *notify)
{
    char message[MESSAGE_MAX];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message,
             "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Reads the configuration again\n",
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(notify, message);
}

void notify_stopping(const struct notify *notify)
{
    tell(notify, "STOPPING=1\nSTATUS=Answers what was read, and ends\n");
}

void notify_alive(struct notify *notify, int64_t now_ms)
{
    if (notify->interval_ms == 0 || now_ms < notify->next_ms)
        return;
    notify->next_ms = now_ms + notify->interval_ms;
    tell(notify, "WATCHDOG=1\n");
}
