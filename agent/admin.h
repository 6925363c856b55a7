/* The admin socket: unlock, lock, reload, mint with the next key. One thread of its own serves it,
 * so it answers whatever workers and HSM tokens do. */
#ifndef HINTSIGN_AGENT_ADMIN_H
#define HINTSIGN_AGENT_ADMIN_H

#include "agent/admin_mint.h"
#include "agent/reload.h"

#define ADMIN_MESSAGE_MAX ADMIN_MINT_MESSAGE_MAX /* bytes, the NUL included */
#define ADMIN_IDLE_MS     10000 /* for a caller to send or to read: others wait for him */

struct admin;

/* Listens at the path of `conf`, which outlives the admin, and starts the thread. The service and
 * the reload are borrowed. Returns 0, or -1 with the reason in `error`. */
int admin_start(struct service *service, struct reload *reload, const struct conf_listener *conf,
                struct admin **ret_admin, char error[static CONF_ERROR_MAX]);

/* Lets go who waits for an order, ends its threads and removes the socket. The workers have ended:
 * the probers end with it. Returns false when a thread is still busy after `seconds`: then the
 * process must end without exit handlers. Accepts NULL. */
bool admin_stop(struct admin *admin, int seconds);

#endif
