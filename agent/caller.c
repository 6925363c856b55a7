/* Tells callers apart for the limits that each of them has. */
#include "config.h"
#include "agent/caller.h"

#include <string.h>

struct caller caller_of(const struct peer *peer)
{
    return (struct caller){.by_uid = peer->identified,
                           .uid = peer->identified ? peer->uid : 0,
                           .listener = peer->listener};
}

bool caller_equal(const struct caller *a, const struct caller *b)
{
    if (a->by_uid != b->by_uid)
        return false;
    return a->by_uid ? a->uid == b->uid : strcmp(a->listener, b->listener) == 0;
}
