/* Objects that an index had to leave out are read again, until the token shows them: without that a
 * key would be missing until the next recovery or reload, on a token that is well. */
#ifndef HINTSIGN_PKCS11_UNREAD_H
#define HINTSIGN_PKCS11_UNREAD_H

#include "pkcs11/ladder.h"

struct unread {
    int64_t at; /* watch_now of the next try ... */
    long ms;    /* ... so long after the last one */
};

/* When something is to be done, as watch_now tells the time; INT64_MAX: never. */
int64_t unread_due(const struct unread *unread, const struct ladder *ladder);

/* Does what is due, on the thread that climbs: tells that objects are left out, or that none is any
 * more, and reads them again. Returns how far recovery must go because the token has failed
 * meanwhile. */
enum p11_rung unread_run(struct unread *unread, struct ladder *ladder);

#endif
