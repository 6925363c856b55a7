/* The modules and tokens of the configuration, each module with its prober. */
#ifndef HINTSIGN_AGENT_HSM_H
#define HINTSIGN_AGENT_HSM_H

#include "agent/audit_keeper.h"
#include "pkcs11/prober.h"

struct hsm;

/* Makes modules and tokens out of the configuration; nothing is loaded yet.
 * Returns 0 or -1 with the reason in `error`. Free with hsm_stop. */
int hsm_new(const struct conf *conf, struct hsm **ret_hsm, char error[static CONF_ERROR_MAX]);

/* The tokens in the order of the configuration; borrowed. */
struct token **hsm_tokens(struct hsm *hsm, size_t *ret_count);

/* The modules in the order of the tokens, from index 0; borrowed. NULL behind the last. */
const struct module *hsm_module(const struct hsm *hsm, size_t index);

/* From now on what the tokens do is recorded; before hsm_start. `keeper` is borrowed, and so is
 * `crypto`. */
void hsm_record(struct hsm *hsm, struct audit_keeper *keeper, const struct crypto *crypto);

/* Starts a prober for each module, which brings its tokens up and resolves the keyring.
 * Returns 0 or -1 with the reason in `error`. */
int hsm_start(struct hsm *hsm, struct keyring *keyring, char error[static CONF_ERROR_MAX]);

/* Hands all probers the keyring of the configuration in force and, unless it is NULL, the next one:
 * tokens are kept resolved for both. */
void hsm_adopt(struct hsm *hsm, struct keyring *keyring, struct keyring *next);

/* Seconds after which a call that hangs will never come back (rung 4). */
#define HSM_HOPELESS_SECONDS 30

/* How many calls each module may have under way, of whose calls so many are slow. While any is,
 * the slow modules may hold three quarters of the threads, the others share what is left, at least
 * one each, and one thread stays outside of all: the agent always answers. */
void hsm_share_threads(unsigned threads, const unsigned *slow, size_t count, unsigned *ret_rooms);

/* Once a second, from the main thread: modules with calls that hang go down, and the threads are
 * shared out among modules (hsm_share_threads). Returns false when a call has hung for
 * HSM_HOPELESS_SECONDS: the process must end at once, without exit handlers. *ret_slow is how many
 * calls have lasted longer than a second. */
bool hsm_look_after(struct hsm *hsm, unsigned threads, unsigned *ret_slow);

/* Becomes readable when a module has resolved its keys anew; hsm_take_event clears it and tells
 * whether it was. */
int hsm_event_fd(const struct hsm *hsm);
bool hsm_take_event(struct hsm *hsm);

/* Whether every module has resolved this keyring, or failed to. */
bool hsm_resolved(struct hsm *hsm, const struct keyring *keyring);

/* Ends the probers, finalises the modules and frees everything. Returns false when a call into a
 * module still hangs after `seconds`: then the process must end without running exit handlers.
 * Accepts NULL. */
bool hsm_stop(struct hsm *hsm, int seconds);

#endif
