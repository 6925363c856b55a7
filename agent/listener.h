/* The sockets that the agent listens on. */
#ifndef HINTSIGN_AGENT_LISTENER_H
#define HINTSIGN_AGENT_LISTENER_H

#include "agent/conf.h"

/* Binds and listens. A socket that another process still answers on is an error; one that was left
 * behind is replaced. Returns the descriptor, or -1 with the reason in `error`. */
int listener_open(const struct conf_listener *listener, char error[static CONF_ERROR_MAX]);

#endif
