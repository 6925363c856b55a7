/* Counts the refusals of each caller, in a table that no caller can make grow. */
#include "config.h"
#include "agent/flood.h"

#include <pthread.h>
#include <stdlib.h>

/* How many records were given in the running second. */
struct window {
    int64_t start;
    unsigned allowance;
    unsigned given;
    bool flooded; /* more were wanted */
};

/* One caller, or one listener. */
struct source {
    struct caller caller; /* `listener` is NULL in a free place */
    struct window window;
    uint64_t uncounted; /* refusals that no record tells of yet ... */
    int64_t due;        /* ... and when one shall */
    int64_t paced;      /* in microseconds: until when he is not read */
};

struct flood {
    pthread_mutex_t lock;
    struct window all;
    struct source uids[FLOOD_UIDS];
    struct source listeners[FLOOD_LISTENERS];
};

struct flood *flood_new(void)
{
    struct flood *flood = calloc(1, sizeof *flood);
    if (flood)
        pthread_mutex_init(&flood->lock, NULL);
    return flood;
}

void flood_free(struct flood *flood)
{
    if (!flood)
        return;
    pthread_mutex_destroy(&flood->lock);
    free(flood);
}

/* Whether a new window would start with all of `most`: nothing is remembered of the last one. */
static bool is_over(const struct window *window, int64_t now)
{
    return now - window->start >= FLOOD_WINDOW_MS * (window->flooded ? 2 : 1);
}

static bool take_record(struct window *window, unsigned most, int64_t now)
{
    if (window->allowance == 0 || is_over(window, now)) {
        *window = (struct window){.start = now, .allowance = most};
    } else if (now - window->start >= FLOOD_WINDOW_MS) {
        unsigned least = most / FLOOD_LEAST, half = window->allowance / 2;
        *window = (struct window){.start = now, .allowance = half > least ? half : least};
    }
    if (window->given < window->allowance) {
        window->given++;
        return true;
    }
    window->flooded = true;
    return false;
}

/* Whether the place can be given to another caller: this one would find all as it is for somebody
 * new, so nobody wins anything by being forgotten. */
static bool is_free(const struct source *source, int64_t now)
{
    return !source->caller.listener ||
           (source->uncounted == 0 && source->paced <= now * 1000 && is_over(&source->window, now));
}

static struct source *find(struct source *list, size_t count, const struct caller *caller,
                           int64_t now)
{
    struct source *unused = NULL;
    for (size_t i = 0; i < count; i++) {
        if (list[i].caller.listener && caller_equal(&list[i].caller, caller))
            return &list[i];
        if (!unused && is_free(&list[i], now))
            unused = &list[i];
    }
    if (unused)
        *unused = (struct source){.caller = *caller};
    return unused;
}

/* Never NULL: there is a place for every listener that there can be. */
static struct source *find_source(struct flood *flood, const struct caller *caller, int64_t now)
{
    struct source *source = NULL;
    if (caller->by_uid)
        source = find(flood->uids, FLOOD_UIDS, caller, now);
    if (!source)
        source = find(flood->listeners, FLOOD_LISTENERS,
                      &(struct caller){.listener = caller->listener}, now);
    return source ? source : &flood->listeners[0];
}

bool flood_note(struct flood *flood, const struct caller *caller, int64_t now, int64_t *ret_resume)
{
    pthread_mutex_lock(&flood->lock);
    struct source *source = find_source(flood, caller, now);
    bool recorded = take_record(&source->window, FLOOD_RECORDS, now) &&
                    take_record(&flood->all, FLOOD_RECORDS_ALL, now);
    if (!recorded) {
        if (source->uncounted++ == 0)
            source->due = now + FLOOD_WINDOW_MS;
        source->paced = (source->paced > now * 1000 ? source->paced : now * 1000) + FLOOD_PACE_US;
        *ret_resume = source->paced / 1000;
    }
    pthread_mutex_unlock(&flood->lock);
    return recorded;
}

/* The `i`th of all sources; NULL behind the last. */
static struct source *source_at(struct flood *flood, size_t i)
{
    if (i < FLOOD_UIDS)
        return &flood->uids[i];
    i -= FLOOD_UIDS;
    return i < FLOOD_LISTENERS ? &flood->listeners[i] : NULL;
}

bool flood_take(struct flood *flood, int64_t now, struct flood_count *ret_count)
{
    bool found = false;
    struct source *source;
    pthread_mutex_lock(&flood->lock);
    for (size_t i = 0; !found && (source = source_at(flood, i)); i++) {
        found = source->uncounted > 0 && source->due <= now;
        if (!found)
            continue;
        *ret_count = (struct flood_count){.caller = source->caller, .count = source->uncounted};
        source->uncounted = 0;
    }
    pthread_mutex_unlock(&flood->lock);
    return found;
}

void flood_return(struct flood *flood, const struct flood_count *count, int64_t now)
{
    pthread_mutex_lock(&flood->lock);
    struct source *source = find_source(flood, &count->caller, now);
    source->uncounted += count->count;
    source->due = now + FLOOD_WINDOW_MS;
    pthread_mutex_unlock(&flood->lock);
}

int64_t flood_due(struct flood *flood)
{
    int64_t due = INT64_MAX;
    const struct source *source;
    pthread_mutex_lock(&flood->lock);
    for (size_t i = 0; (source = source_at(flood, i)); i++)
        if (source->uncounted > 0 && source->due < due)
            due = source->due;
    pthread_mutex_unlock(&flood->lock);
    return due;
}
