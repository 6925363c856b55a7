/* Known answers between recoveries: a key that has gone wrong is found before long.
 *
 * Every key of every token that is up answers once a minute, and at once after an error, but then
 * once a second at most; one whose answer was wrong is tried again until it is right. Used or not:
 * that a token gives a MAC does not say that it is the right one.
 *
 * What is asked by the clock takes a hundredth of the token's time: where that is too little for
 * all keys, the minute becomes longer. Keys that are not ready have a tenth of their own, and never
 * wait longer than a second after the last of them, however slow it was. Neither takes from the
 * other's share, and all take turns: none keeps another from being asked.
 *
 * Who is doubted goes before them, but one of them has its turn after each that was slow. Of the
 * doubted ones that one is first whose last answer is the oldest. */
#ifndef HINTSIGN_PKCS11_CHECK_H
#define HINTSIGN_PKCS11_CHECK_H

#include "pkcs11/ladder.h"

struct check {
    int64_t resume; /* watch_now: until then nobody is asked by the clock ... */
    int64_t retry;  /* ... and until then none that is not ready */
    size_t next;    /* who is asked first of the others, if it is due: see subject_at */
};

/* When something is to be done, as watch_now tells the time; INT64_MAX: never. */
int64_t check_due(const struct check *check, const struct ladder *ladder);

/* Every key is due on that token, whose index has changed. On the thread that climbs. */
void check_soon(struct ladder *ladder, const struct token *token);

/* Does some of what is due, on the thread that climbs. Returns how far recovery must go because the
 * token has failed meanwhile. */
enum p11_rung check_run(struct check *check, struct ladder *ladder);

#endif
