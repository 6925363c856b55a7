/* The clock that limits and deadlines go by. */
#ifndef HINTSIGN_AGENT_CLOCK_H
#define HINTSIGN_AGENT_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, in nanoseconds and in milliseconds. */
int64_t clock_ns(void);
int64_t clock_ms(void);

/* What it shows in `ms` milliseconds. */
struct timespec clock_in(long ms);

/* Waits until a thread has ended, at most until the deadline. Returns whether it has. */
bool clock_join(pthread_t thread, const struct timespec *deadline);

#endif
