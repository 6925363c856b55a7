/* The thread that brings a module's tokens up and keeps them up: one a module.
 *
 * It alone starts and restarts the module, logs in, indexes and resolves keys, so no two
 * recoveries ever meet, and a module that hangs in one of these calls holds up nobody else, but for
 * one case: while it is being loaded, no other can be loaded (module_being_loaded). */
#ifndef HINTSIGN_PKCS11_PROBER_H
#define HINTSIGN_PKCS11_PROBER_H

#include "pkcs11/ladder.h"
#include "pkcs11/order.h"

struct prober;

/* Starts the thread, which brings the tokens up and resolves the keyring. Module and tokens are
 * borrowed and must outlive the prober. The tokens' `prober` is set here; the `module` of all
 * tokens in the keyring is set before the first prober starts, because each looks whose a token is.
 * Errors: P11_MEMORY. */
int prober_start(struct module *module, struct token **tokens, size_t token_count,
                 struct keyring *keyring, const struct ladder_events *events, void *context,
                 struct prober **ret_prober, struct p11_error *error);

/* Takes no more orders and lets go whoever waits for one; the tokens stay as they are. */
void prober_end_orders(struct prober *prober);

/* Asks the thread to end; it finishes the call that it is in. Whoever waits for an order is let
 * go. */
void prober_stop(struct prober *prober);

/* The thread, to be joined after prober_stop. */
pthread_t prober_thread(const struct prober *prober);

/* Once the thread was joined. */
void prober_free(struct prober *prober);

/* Hands over the keyring of the configuration in force and, unless it is NULL, the next one. Where
 * one is new, every token is indexed again and its keys are resolved; `resolved` tells when that is
 * done. From now on recovery is for these, and the others are let go. */
void prober_adopt(struct prober *prober, struct keyring *keyring, struct keyring *next);

/* Asks for recovery up to `rung` after a call failed in `generation`. What was recovered since is
 * not recovered again. Accepts NULL. */
void prober_want(struct prober *prober, enum p11_rung rung, uint64_t generation);

/* Has an administrator's order carried out, and waits for it, at most `ms`. The PIN may be empty;
 * it is taken over and wiped. What hangs is carried out later, and no other order before it.
 * Errors: P11_LOCKED (the PIN was refused, or not tried) and P11_UNAVAILABLE, with the reason in
 * error->text; P11_BUSY (not done yet, or not begun because of an earlier one or the end). */
int prober_carry_out(struct prober *prober, struct token *token, enum order_wish wish,
                     struct secret *pin, long ms, struct p11_error *error);

/* Tells that an error came up while a home's key signed: it is to give its known answer at once.
 * Accepts NULL. */
void prober_doubt(struct prober *prober, struct key_home *home);

#define PROBER_HANG_MS 5000 /* a call that takes longer hangs: its module is down (rung 4) */

/* To be called once a second on a thread that is not the prober's; it calls nothing of PKCS#11. A
 * module with a call that hangs is down until that call has come back. Returns for how many
 * milliseconds the longest call has been under way; *ret_slow is how many signers have held a
 * session for longer than SESSION_WAIT_MS. */
int64_t prober_look_after(struct prober *prober, unsigned *ret_slow);

/* Waits until recovery that is wanted or under way has ended, at most until `deadline` (watch_now).
 * Returns false at once where there is none, where the module hangs and where too many wait
 * already. Accepts NULL. */
bool prober_wait(struct prober *prober, int64_t deadline);

#endif
