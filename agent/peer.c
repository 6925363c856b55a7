/* Finds out who is calling from the socket, not from what he says. */
#include "config.h"
#include "agent/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define FIRST_GROUPS 32
#define GROUPS_MAX   65536 /* NGROUPS_MAX of the kernel */

static int get_groups(int fd, struct peer *peer)
{
    socklen_t size = FIRST_GROUPS * sizeof(gid_t);
    for (;;) {
        gid_t *groups = realloc(peer->groups, size);
        if (!groups)
            return -ENOMEM;
        peer->groups = groups;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
            break;
        /* ERANGE: `size` is now what it takes. */
        if (errno != ERANGE || size > GROUPS_MAX * sizeof(gid_t))
            return -errno;
    }
    peer->group_count = size / sizeof(gid_t);
    if (peer->group_count == 0) {
        free(peer->groups);
        peer->groups = NULL;
    }
    return 0;
}

int peer_identify(int fd, const char *listener, struct peer *ret_peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    struct peer peer = {.listener = listener,
                        .identified = credentials.uid != PEER_UNKNOWN_ID,
                        .uid = credentials.uid,
                        .gid = credentials.gid,
                        .pid = credentials.pid};
    int r = get_groups(fd, &peer);
    if (r < 0) {
        peer_clear(&peer);
        return r;
    }
    *ret_peer = peer;
    return 0;
}

void peer_clear(struct peer *peer)
{
    free(peer->groups);
    *peer = (struct peer){0};
}
