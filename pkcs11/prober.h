/* The thread that brings a module's tokens up and keeps them up: one a module.
 *
 * It alone starts and restarts the module, logs in, indexes and resolves keys, so no two
 * recoveries ever meet, and a module that hangs in one of these calls holds up nobody else. */
#ifndef HINTSIGN_PKCS11_PROBER_H
#define HINTSIGN_PKCS11_PROBER_H

#include "pkcs11/key.h"
#include "pkcs11/order.h"

/* Called on the prober's thread. */
struct prober_events {
    /* A token changed its state; `detail` says why it is not up. */
    void (*token_changed)(void *context, struct token *token, enum token_state state,
                          const char *detail);
    /* The keys of the keyring were resolved anew. */
    void (*resolved)(void *context, struct keyring *keyring);
};

struct prober;

/* Starts the thread, which brings the tokens up and resolves the keyring. Module and tokens are
 * borrowed and must outlive the prober; the tokens' `module` and `prober` are set here.
 * Errors: P11_MEMORY. */
int prober_start(struct module *module, struct token **tokens, size_t token_count,
                 struct keyring *keyring, const struct prober_events *events, void *context,
                 struct prober **ret_prober, struct p11_error *error);

/* Asks the thread to end; it finishes the call that it is in. Whoever waits for an order is let
 * go. */
void prober_stop(struct prober *prober);

/* Waits until the thread has ended, at most until `deadline` (CLOCK_REALTIME), and frees the
 * prober. Returns 0, or ETIMEDOUT: then a call hangs and nothing was freed. */
int prober_join(struct prober *prober, const struct timespec *deadline);

/* Hands over the keyring of a new configuration: every token is indexed again and the keys are
 * resolved; `resolved` tells when that is done. */
void prober_adopt(struct prober *prober, struct keyring *keyring);

/* Asks for recovery up to `rung` after a call failed in `generation`. What was recovered since is
 * not recovered again. Accepts NULL. */
void prober_want(struct prober *prober, enum p11_rung rung, uint64_t generation);

/* Has an administrator's order carried out, and waits for it, at most `ms`. The PIN may be empty;
 * it is taken over and wiped. What hangs is carried out later, and no other order before it.
 * Errors: P11_LOCKED (the PIN was refused, or not tried) and P11_UNAVAILABLE, with the reason in
 * error->text; P11_BUSY (not done yet, or not begun because of an earlier one or the end). */
int prober_carry_out(struct prober *prober, struct token *token, enum order_wish wish,
                     struct secret *pin, long ms, struct p11_error *error);

/* Waits until recovery that is wanted or under way has ended, at most `ms`. Returns false at once
 * where there is none. Accepts NULL. */
bool prober_wait(struct prober *prober, long ms);

#endif
