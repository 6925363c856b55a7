/* When an issuer is fetched next: pure. */
#ifndef HINTSIGN_FETCH_SCHEDULE_H
#define HINTSIGN_FETCH_SCHEDULE_H

#include <stdint.h>

#define SCHEDULE_REFRESH_MIN 300 /* seconds between two successful fetches */
#define SCHEDULE_RETRY_FIRST 10  /* seconds after a first failure, at most */

/* Seconds until the next fetch after a successful one: the lesser of `max_age`, which
 * HTTP_MAX_AGE_UNSAID leaves out, and a quarter of `max_stale`, but never under
 * SCHEDULE_REFRESH_MIN. */
long schedule_refresh(long max_age, long max_stale);

/* Seconds until the next fetch after `failures` in a row, 1 or more. They double with each, up to
 * what schedule_refresh gives without a max_age; `random` takes away up to a half, so that many
 * fetchers do not come back at once. */
long schedule_retry(unsigned failures, long max_stale, uint32_t random);

#endif
