/* Keys that a token had and that do not serve there any more are looked for again. A token may hide
 * objects without an error, while it starts or when it has forgotten the login: without that they
 * would be missing until the next recovery or reload. */
#ifndef HINTSIGN_PKCS11_MISSING_H
#define HINTSIGN_PKCS11_MISSING_H

#include "pkcs11/ladder.h"

struct missing {
    int64_t at; /* watch_now of the next look ... */
    int64_t ms; /* ... so long after the last one; 0: none yet */
};

/* When something is to be done, as watch_now tells the time; INT64_MAX: never. */
int64_t missing_due(const struct missing *missing, const struct ladder *ladder);

/* Does what is due, on the thread that climbs: indexes tokens again and has the missing keys looked
 * for at once (check_run). Returns how far recovery must go because a token has failed meanwhile.
 */
enum p11_rung missing_run(struct missing *missing, struct ladder *ladder);

#endif
