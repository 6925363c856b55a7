/* How often a caller may ask a profile: `rate_limit`, and the token buckets behind it. */
#ifndef HINTSIGN_AGENT_RATE_H
#define HINTSIGN_AGENT_RATE_H

#include "agent/caller.h"
#include "agent/json_file.h"

#include <stdint.h>

#define RATE_PER_SECOND_MAX 100000
#define RATE_BURST_MAX      1000000

/* Buckets that are not full, of all profiles and callers. */
#define RATE_BUCKETS_MAX 131072

/* When to try again if there are as many: in ms. */
#define RATE_CROWDED_MS 1000

/* A bucket holds `burst` requests and gains `per_second`; 0: there is no limit. */
struct rate_limit {
    unsigned per_second;
    unsigned burst;
};

/* Reads the object. Returns 0, or json_file_error(). */
int rate_limit_take(struct json_file *file, const struct json_at *at, struct rate_limit *ret_limit);

struct rates;

/* NULL without memory. */
struct rates *rate_new(void);

/* Accepts NULL. */
void rate_free(struct rates *rates);

/* Takes a request out of the bucket that the caller has with the profile of that name. `now` is of
 * CLOCK_MONOTONIC, in nanoseconds. Returns 0, or after how many milliseconds the bucket will have
 * what it lacks; then nothing was taken. A profile that is read anew keeps its buckets. */
int64_t rate_take(struct rates *rates, const char *profile, const struct rate_limit *limit,
                  const struct caller *caller, int64_t now);

#endif
