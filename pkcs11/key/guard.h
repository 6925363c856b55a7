/* Protection of the process while it holds secrets and changes tokens. */
#ifndef HINTSIGN_KEY_GUARD_H
#define HINTSIGN_KEY_GUARD_H

#include <signal.h>

/* Keeps the memory out of core files and away from debuggers and other processes of the same
 * user. To be called before any secret is read. Returns 0 or a negative errno. */
int guard_process(void);

/* Overwrites what functions that have returned left on the stack and in vector registers: memcpy
 * copies through these, and the dynamic linker saves them when it binds a symbol. */
void guard_wipe_stack(void);

/* Holds back the signals that people stop programs with, so that what is begun on one token is
 * finished, or undone, on all. Release with guard_release_signals. */
void guard_hold_signals(sigset_t *ret_before);
void guard_release_signals(const sigset_t *before);

#endif
