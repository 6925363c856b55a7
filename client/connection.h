/* The handle, and its connection to the agent's socket. */
#ifndef HINTSIGN_CLIENT_CONNECTION_H
#define HINTSIGN_CLIENT_CONNECTION_H

#include "client/error.h"
#include "client/hintsign.h"
#include "client/varlink.h"

#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#define CONNECTION_TIMEOUT_MS 30000

/* Inside the library alone: the agent closed the connection. Never reaches a caller. */
#define CONNECTION_LOST (-100)

struct hintsign {
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int timeout_ms; /* -1: for ever */
    int fd;         /* -1 while there is no connection */
    int read_limit; /* how long reading may block, in milliseconds; -1: for ever */
    pid_t owner;    /* the process that made the connection */
    struct varlink_input input;
    char *spare; /* the input's */
    struct error error;
};

/* The moment (milliseconds of the monotonic clock) at which the handle's timeout ends, counted
 * from now; -1: never. */
int64_t connection_deadline(const struct hintsign *handle);

/* Sees to it that there is a connection of this process, alive and with nothing to read, by
 * making a new one where needed. Fails with HINTSIGN_UNREACHABLE, HINTSIGN_TIMEOUT, or
 * HINTSIGN_PROTOCOL where the agent sent something that nobody asked for. */
int connection_ensure(struct hintsign *handle, int64_t deadline);

/* Waits until something has arrived and reads it, once, into handle->input; while `sending`, also
 * until there is room to send more. May come back with nothing. Fails with HINTSIGN_TIMEOUT,
 * CONNECTION_LOST, HINTSIGN_PROTOCOL (a reply beyond VARLINK_REPLY_MAX) or HINTSIGN_NO_MEMORY. */
int connection_read(struct hintsign *handle, bool sending, int64_t deadline);

/* Closes the connection, if there is one, and forgets what was read. */
void connection_drop(struct hintsign *handle);

#endif
