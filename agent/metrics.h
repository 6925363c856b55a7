/* Numbers of requests: what became of them, and how long they took. Counted without a lock, by the
 * workers, and read by GetStatus (status_metrics.c). */
#ifndef HINTSIGN_AGENT_METRICS_H
#define HINTSIGN_AGENT_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_OUTCOMES 16 /* 0: it was served; else its refusal_code, without the sign */
#define METRICS_BUCKETS  16 /* of the histogram; the last one has no bound */
#define METRICS_LANES    16

/* Requests for one profile, by outcome. */
struct metrics_counts {
    _Atomic unsigned references;
    _Atomic uint64_t outcomes[METRICS_OUTCOMES];
};

/* All zero, with a reference for the caller; NULL without memory. */
struct metrics_counts *metrics_counts_new(void);

/* A profile that is read anew goes on with the counts that it had. */
struct metrics_counts *metrics_counts_ref(struct metrics_counts *counts);
void metrics_counts_unref(struct metrics_counts *counts); /* accepts NULL */

/* One request: `code` is 0 or a refusal_code of io.hintsign.Agent. */
void metrics_count(struct metrics_counts *counts, int code);

uint64_t metrics_counted(const struct metrics_counts *counts, size_t outcome);

/* A histogram of durations, not cumulative. */
struct metrics_times {
    uint64_t buckets[METRICS_BUCKETS];
    uint64_t sum; /* ns */
};

/* Workers are spread over these, and lanes do not share a cache line. */
struct metrics_lane {
    _Atomic uint64_t buckets[METRICS_BUCKETS];
    _Atomic uint64_t sum; /* ns */
    char apart[64];
};

/* Zero-initialise. */
struct metrics {
    /* Of requests for no profile that the caller may use, and of what was not understood: no
     * message, an unknown method, a wrong parameter. */
    struct metrics_counts refused;
    struct metrics_lane lanes[METRICS_LANES];
};

/* The bound of a bucket, itself included, in microseconds; 0: the last one has none. */
int64_t metrics_bound(size_t bucket);

/* `count` requests took `ns` each. `worker` chooses the lane. */
void metrics_time(struct metrics *metrics, unsigned worker, int64_t ns, unsigned count);

void metrics_times(const struct metrics *metrics, struct metrics_times *ret_times);

#endif
