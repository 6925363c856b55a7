/* Who is calling. */
#ifndef HINTSIGN_AGENT_PEER_H
#define HINTSIGN_AGENT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The kernel shows this id for users and groups that our user namespace does not know
 * (user_namespaces(7)). It says nothing about who it is. */
#define PEER_UNKNOWN_ID 65534

struct peer {
    const char *listener; /* the name of the one that he came through; borrowed */
    bool identified;      /* the uid is one of our own user namespace */
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: in another PID namespace */
    gid_t *groups;
    size_t group_count;
};

/* Asks the kernel who connected the socket: the credentials that he had then (unix(7),
 * SO_PEERCRED, SO_PEERGROUPS). Returns 0 or a negative errno. Free with peer_clear. */
int peer_identify(int fd, const char *listener, struct peer *ret_peer);

void peer_clear(struct peer *peer);

#endif
