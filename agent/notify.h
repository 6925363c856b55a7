/* What the service manager is told: that the agent is ready, reloads, stops, and lives. */
#ifndef HINTSIGN_AGENT_NOTIFY_H
#define HINTSIGN_AGENT_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Where to; without a service manager, nowhere. */
struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_size;
    int64_t interval_ms; /* of the watchdog; 0: none */
    int64_t next_ms;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment:
 * before any thread starts. The socket stays open, so that the watchdog is fed also when no
 * descriptor is left. Close with notify_close. */
void notify_open(struct notify *ret_notify);
void notify_close(struct notify *notify);

/* Each sends a line of sd_notify(3) with a status for people behind it. Errors are not told: what
 * the service manager does not hear, it finds out. */
void notify_ready(const struct notify *notify, unsigned configuration);
void notify_reloading(const struct notify *notify);
void notify_stopping(const struct notify *notify);

/* Feeds the watchdog when it is time; `now_ms` is of clock_ms. To be called by the main thread
 * every second. */
void notify_alive(struct notify *notify, int64_t now_ms);

#endif
