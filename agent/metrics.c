/* Counts requests by what became of them and by how long they took, without a lock. */
#include "config.h"
#include "agent/metrics.h"
#include "agent/refusal.h"

#include <stdbool.h>
#include <stdlib.h>

/* In microseconds: from a token in this machine to an HSM that is recovered meanwhile. */
static const int64_t bounds[METRICS_BUCKETS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
};

_Static_assert(-REFUSAL_INVALID_PARAMETER < METRICS_OUTCOMES, "each refusal has its place");

struct metrics_counts *metrics_counts_new(void)
{
    struct metrics_counts *counts = calloc(1, sizeof *counts);
    return counts ? metrics_counts_ref(counts) : NULL;
}

struct metrics_counts *metrics_counts_ref(struct metrics_counts *counts)
{
    atomic_fetch_add(&counts->references, 1);
    return counts;
}

void metrics_counts_unref(struct metrics_counts *counts)
{
    if (counts && atomic_fetch_sub(&counts->references, 1) == 1)
        free(counts);
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_count(struct metrics_counts *counts, int code)
{
    bool known = code <= 0 && code > -METRICS_OUTCOMES;
    add(&counts->outcomes[known ? -code : -REFUSAL_INTERNAL], 1);
}

uint64_t metrics_counted(const struct metrics_counts *counts, size_t outcome)
{
    return get(&counts->outcomes[outcome]);
}

int64_t metrics_bound(size_t bucket)
{
    return bounds[bucket];
}

void metrics_time(struct metrics *metrics, unsigned worker, int64_t ns, unsigned count)
{
    struct metrics_lane *lane = &metrics->lanes[worker % METRICS_LANES];
    size_t bucket = 0;
    while (bucket < METRICS_BUCKETS - 1 && ns > bounds[bucket] * 1000)
        bucket++;
    add(&lane->buckets[bucket], count);
    add(&lane->sum, (uint64_t)ns * count);
}

void metrics_times(const struct metrics *metrics, struct metrics_times *ret_times)
{
    *ret_times = (struct metrics_times){.sum = 0};
    for (size_t i = 0; i < METRICS_LANES; i++) {
        const struct metrics_lane *lane = &metrics->lanes[i];
        for (size_t bucket = 0; bucket < METRICS_BUCKETS; bucket++)
            ret_times->buckets[bucket] += get(&lane->buckets[bucket]);
        ret_times->sum += get(&lane->sum);
    }
}
