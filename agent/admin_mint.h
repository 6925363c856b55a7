/* The thread that mints for administrators: a token of the HSM may take its time, and they shall be
 * answered meanwhile. */
#ifndef HINTSIGN_AGENT_ADMIN_MINT_H
#define HINTSIGN_AGENT_ADMIN_MINT_H

#include "agent/serve.h"

#define ADMIN_MINT_MESSAGE_MAX ((size_t)32 * 1024) /* bytes, the NUL included */

struct admin_mint;

/* The service is borrowed. Returns 0 or a negative errno. */
int admin_mint_start(struct service *service, struct admin_mint **ret_mint);

/* Has the line serve a message, io.hintsign.Admin.MintNext, and appends the reply. Only one thread
 * asks. Returns 0, or REFUSAL_NOT_DONE: an earlier one is still under way, or this one after `ms`;
 * it is then served and recorded, but nobody gets the token. */
int admin_mint_run(struct admin_mint *mint, const struct peer *peer, const char *message,
                   size_t length, long ms, struct text *reply);

/* Lets go whoever waits, and takes no more. */
void admin_mint_end(struct admin_mint *mint);

/* The same, and ends the thread. Returns false when it is still inside a module or a disk after
 * `seconds`: then the process must end without exit handlers. Accepts NULL. */
bool admin_mint_stop(struct admin_mint *mint, int seconds);

#endif
