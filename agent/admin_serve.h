/* The methods of io.hintsign.Admin. */
#ifndef HINTSIGN_AGENT_ADMIN_SERVE_H
#define HINTSIGN_AGENT_ADMIN_SERVE_H

#include "agent/admin_mint.h"
#include "agent/reload.h"
#include "agent/request.h"

/* The line may wait twice for a session, up to 2000 for room and 2000 for a token that recovers. */
#define ADMIN_MINT_MS   6000
#define ADMIN_ORDER_MS  20000 /* for the prober of a module to carry out an order */
#define ADMIN_RELOAD_MS (RELOAD_SECONDS * 1000 + 5000)

/* Serves one message of an administrator; it is overwritten where it can hold a PIN. Appends the
 * reply, unless the caller wants none. Waits until what is asked for is done, at most as long as
 * the limits above say. Returns false when the connection must end. */
bool admin_serve(struct service *service, struct reload *reload, struct admin_mint *mint,
                 const struct peer *peer, char *message, size_t length, struct text *reply);

/* The methods one by one, from index 0, with their parameters' names, which end with NULL; NULL
 * behind the last. For the test that holds them against the interface. */
const char *admin_serve_method_at(size_t index, const char *parameters[REQUEST_PARAMETERS_MAX + 1]);

#endif
