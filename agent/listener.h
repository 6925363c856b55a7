/* The sockets that the agent listens on. */
#ifndef HINTSIGN_AGENT_LISTENER_H
#define HINTSIGN_AGENT_LISTENER_H

#include "agent/activation.h"
#include "agent/conf.h"

struct listener {
    const struct conf_listener *conf; /* borrowed */
    int fd;
    bool bound; /* by us: the file, which these two tell, is ours to remove */
    dev_t device;
    ino_t inode;
};

/* Takes the socket of that name if the service manager has opened one: its path, mode and group
 * are the service manager's. Otherwise binds and listens, in the place of a socket that was left
 * behind. One that another process still answers on is an error.
 * Returns 0, or -1 with the reason in `error`; then no file was made. */
int listener_open(const struct conf_listener *conf, struct activation *activation,
                  struct listener *ret_listener, char error[static CONF_ERROR_MAX]);

/* Removes the file that listener_open has made, if it is still that one. */
void listener_close(struct listener *listener);

#endif
