/* Token buckets by profile and caller, as many as are not full. */
#include "config.h"
#include "agent/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECOND      INT64_C(1000000000) /* in ns */
#define MILLISECOND INT64_C(1000000)
#define CHAINS      16384
#define SWEPT       4 /* chains that are looked through for full buckets when one is added */

/* Its content is told by the time at which it will be full: the later, the less is in it. One that
 * is full is as good as none. */
struct bucket {
    struct bucket *next;
    int64_t full_at;
    struct caller caller;
    char profile[];
};

struct rates {
    pthread_mutex_t lock;
    uint64_t seed; /* nobody shall know who shares a chain */
    size_t count;
    size_t broom; /* the chain that is swept next */
    struct bucket *chains[CHAINS];
};

static int take_per_second(struct json_file *file, const struct json_at *at, void *target)
{
    struct rate_limit *limit = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, RATE_PER_SECOND_MAX, &value);
    limit->per_second = (unsigned)value;
    return r;
}

static int take_burst(struct json_file *file, const struct json_at *at, void *target)
{
    struct rate_limit *limit = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, RATE_BURST_MAX, &value);
    limit->burst = (unsigned)value;
    return r;
}

static const struct json_member members[] = {
    {"per_second", true, take_per_second},
    {"burst", false, take_burst},
    {NULL, false, NULL},
};

int rate_limit_take(struct json_file *file, const struct json_at *at, struct rate_limit *ret_limit)
{
    struct rate_limit limit = {0};
    int r = json_take_object(file, at, members, &limit);
    if (r < 0)
        return r;
    if (limit.burst == 0)
        limit.burst = limit.per_second;
    *ret_limit = limit;
    return 0;
}

struct rates *rate_new(void)
{
    struct rates *rates = calloc(1, sizeof *rates);
    if (!rates)
        return NULL;
    if (getrandom(&rates->seed, sizeof rates->seed, 0) != sizeof rates->seed) {
        free(rates);
        return NULL;
    }
    pthread_mutex_init(&rates->lock, NULL);
    return rates;
}

void rate_free(struct rates *rates)
{
    if (!rates)
        return;
    for (size_t i = 0; i < CHAINS; i++) {
        while (rates->chains[i]) {
            struct bucket *bucket = rates->chains[i];
            rates->chains[i] = bucket->next;
            free(bucket);
        }
    }
    pthread_mutex_destroy(&rates->lock);
    free(rates);
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static struct bucket **find_chain(struct rates *rates, const char *profile,
                                  const struct caller *caller)
{
    uint64_t h = hash(rates->seed, profile, strlen(profile) + 1);
    if (caller->by_uid)
        h = hash(h, &caller->uid, sizeof caller->uid);
    else
        h = hash(h, caller->listener, strlen(caller->listener));
    return &rates->chains[(h ^ h >> 32) % CHAINS];
}

static void sweep(struct rates *rates, struct bucket **at, int64_t now)
{
    while (*at) {
        struct bucket *bucket = *at;
        if (bucket->full_at > now) {
            at = &bucket->next;
            continue;
        }
        *at = bucket->next;
        free(bucket);
        rates->count--;
    }
}

/* A full bucket. NULL when there are too many, or no memory. */
static struct bucket *add(struct rates *rates, struct bucket **chain, const char *profile,
                          const struct caller *caller, int64_t now)
{
    size_t size = strlen(profile) + 1;
    for (int i = 0; i < SWEPT; i++)
        sweep(rates, &rates->chains[rates->broom++ % CHAINS], now);
    struct bucket *bucket = rates->count < RATE_BUCKETS_MAX ? malloc(sizeof *bucket + size) : NULL;
    if (!bucket)
        return NULL;
    *bucket = (struct bucket){.next = *chain, .full_at = now, .caller = *caller};
    memcpy(bucket->profile, profile, size);
    *chain = bucket;
    rates->count++;
    return bucket;
}

static struct bucket *find(struct rates *rates, const char *profile, const struct caller *caller,
                           int64_t now)
{
    struct bucket **chain = find_chain(rates, profile, caller);
    for (struct bucket *bucket = *chain; bucket; bucket = bucket->next)
        if (caller_equal(&bucket->caller, caller) && strcmp(bucket->profile, profile) == 0)
            return bucket;
    return add(rates, chain, profile, caller, now);
}

/* How long until the bucket has one request, in ns; 0: it was taken. */
static int64_t take(struct bucket *bucket, const struct rate_limit *limit, int64_t now)
{
    int64_t interval = (SECOND + limit->per_second - 1) / limit->per_second;
    int64_t empty = now + interval * limit->burst;
    if (bucket->full_at > empty) /* the limit was another one before */
        bucket->full_at = empty;
    int64_t full_at = (bucket->full_at > now ? bucket->full_at : now) + interval;
    if (full_at > empty)
        return full_at - empty;
    bucket->full_at = full_at;
    return 0;
}

int64_t rate_take(struct rates *rates, const char *profile, const struct rate_limit *limit,
                  const struct caller *caller, int64_t now)
{
    if (limit->per_second == 0)
        return 0;
    pthread_mutex_lock(&rates->lock);
    struct bucket *bucket = find(rates, profile, caller, now);
    int64_t wait = bucket ? take(bucket, limit, now) : RATE_CROWDED_MS * MILLISECOND;
    pthread_mutex_unlock(&rates->lock);
    return (wait + MILLISECOND - 1) / MILLISECOND;
}
