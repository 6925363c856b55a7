/* Whom a limit counts: the uid, or the listener where the uid says nothing. */
#ifndef HINTSIGN_AGENT_CALLER_H
#define HINTSIGN_AGENT_CALLER_H

#include "agent/peer.h"

struct caller {
    bool by_uid;
    uid_t uid;
    const char *listener; /* through which he came; counts without by_uid; borrowed */
};

struct caller caller_of(const struct peer *peer);

bool caller_equal(const struct caller *a, const struct caller *b);

#endif
