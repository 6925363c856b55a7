/* Floods of refusals: how many a caller gets recorded, and how fast he is read beyond that.
 *
 * The log must not grow as fast as somebody can ask for what he may not have: minting ends when its
 * disk is full. So a caller has FLOOD_RECORDS records of refusals a second. What he is refused
 * beyond is counted, and the count becomes one record. As long as his flood lasts, each second has
 * half the records of the second before, down to one. */
#ifndef HINTSIGN_AGENT_FLOOD_H
#define HINTSIGN_AGENT_FLOOD_H

#include "agent/caller.h"

#include <stdint.h>

#define FLOOD_WINDOW_MS   1000
#define FLOOD_RECORDS     10  /* a window and caller */
#define FLOOD_RECORDS_ALL 100 /* a window, of all callers together */
#define FLOOD_LEAST       10  /* floods leave one in so many of these */

/* Callers who are told apart at a time. When there are more, those who come last count as the
 * listener that they came through. */
#define FLOOD_UIDS      128
#define FLOOD_LISTENERS 16

/* What the reading of one more refused request is put off by: 20,000 a second are read. */
#define FLOOD_PACE_US 50

struct flood;

/* Refused requests without a record of their own. */
struct flood_count {
    struct caller caller;
    uint64_t count;
};

/* NULL without memory. */
struct flood *flood_new(void);

/* Accepts NULL. */
void flood_free(struct flood *flood);

/* Notes a request that was refused at `now` (CLOCK_MONOTONIC ms). Returns true when it gets a
 * record. Otherwise it was counted, and *ret_resume is when more of this caller may be read. */
bool flood_note(struct flood *flood, const struct caller *caller, int64_t now, int64_t *ret_resume);

/* Takes the next count that is due: one of a window that has ended before `now`. Returns false when
 * there is none. */
bool flood_take(struct flood *flood, int64_t now, struct flood_count *ret_count);

/* Gives back a count that could not be recorded; it is due again after another window. */
void flood_return(struct flood *flood, const struct flood_count *count, int64_t now);

/* When the next count is due; INT64_MAX: there is none. */
int64_t flood_due(struct flood *flood);

#endif
