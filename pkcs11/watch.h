/* Since when a call of the prober has been inside a module: one that hangs never comes back to
 * tell.
 *
 * Signers need no watch: each holds a session, which knows since when (session.h). */
#ifndef HINTSIGN_PKCS11_WATCH_H
#define HINTSIGN_PKCS11_WATCH_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

struct watch {
    _Atomic int64_t since; /* watch_now when the call began, or may be asked for; 0: none */
};

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t watch_now(void);

/* Such a moment, as the C library wants it. */
struct timespec watch_timespec(int64_t at);

/* From now on this thread's calls are watched: the first begins now. */
void watch_begin(struct watch *watch);

/* A call has come back and the next one begins. No more than a mark; does nothing on a thread that
 * is not watched. */
void watch_beat(void);

/* As watch_beat, but the next call may take `ms` longer: it counts as begun that much later. */
void watch_allow(int64_t ms);

/* This thread's calls are no longer watched. */
void watch_end(void);

#endif
