/* Known answers between recoveries: a key that has gone wrong is found before long.
 *
 * Every key of every token that is up answers once a minute, and at once after an error; one whose
 * answer was wrong is tried again until it is right. Used or not: that a token gives a MAC does not
 * say that it is the right one. Takes at most a hundredth of the token's time, and a tenth where
 * keys are not ready; each of those has its turn soon, however long the last one took. */
#ifndef HINTSIGN_PKCS11_CHECK_H
#define HINTSIGN_PKCS11_CHECK_H

#include "pkcs11/ladder.h"

struct check {
    int64_t resume; /* watch_now: until then the token's time belongs to others ... */
    int64_t retry;  /* ... and until then even while a key is not ready */
};

/* When something is to be done, as watch_now tells the time; INT64_MAX: never. */
int64_t check_due(const struct check *check, const struct ladder *ladder);

/* Does some of what is due, on the thread that climbs. Returns how far recovery must go because the
 * token has failed meanwhile. */
enum p11_rung check_run(struct check *check, struct ladder *ladder);

#endif
