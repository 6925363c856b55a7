/* Since when a call of the prober has been inside a module: one that hangs never comes back to
 * tell. And the clock for whoever waits for somebody else: it knows when we ourselves were away.
 *
 * Signers need no watch: each holds a session, which knows since when (session.h). */
#ifndef HINTSIGN_PKCS11_WATCH_H
#define HINTSIGN_PKCS11_WATCH_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

struct watch {
    _Atomic int64_t since; /* watch_awake when the call began, or may be asked for; 0: none */
};

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t watch_now(void);

/* Such a moment, as the C library wants it. */
struct timespec watch_timespec(int64_t at);

/* As watch_now, but stands still while all of this process is stopped, by a debugger, with its
 * container or with its machine: then it was not the others who let us wait. That is noticed by the
 * ticks that fail to come, once there was one; without any this is watch_now. */
int64_t watch_awake(void);

#define WATCH_TICK_MS 1500 /* so far this clock goes from one tick */

/* To be called once a second, by the thread that judges others by this clock. */
void watch_tick(void);

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
