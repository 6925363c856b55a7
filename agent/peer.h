/* Who is calling. */
#ifndef HINTSIGN_AGENT_PEER_H
#define HINTSIGN_AGENT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The kernel shows this id for users and groups that our user namespace does not know
 * (user_namespaces(7)). It says nothing about who it is. */
#define PEER_UNKNOWN_ID 65534

/* How a caller's process is known, on which rules by `unit` depend. */
enum peer_pid {
    PEER_PID_PIDFD,       /* by a pidfd of the socket: a number that was given away again shows */
    PEER_PID_BEST_EFFORT, /* by its number alone */
    PEER_PID_NONE,        /* not at all: rules by `unit` match nobody */
};

const char *peer_pid_name(enum peer_pid how);

/* What our kernel, user and sandbox let us know of callers' processes. */
struct peer_sight {
    enum peer_pid pid;
    const char *problem; /* beside PEER_PID_NONE: why, in static text */
};

/* Finds that out. `wanted` is the least that will do: PEER_PID_PIDFD, or PEER_PID_BEST_EFFORT where
 * the kernel has no pidfd of a socket. */
struct peer_sight peer_look(enum peer_pid wanted);

struct peer {
    const char *listener; /* the name of the one that he came through; borrowed */
    bool identified;      /* the uid is one of our own user namespace */
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: in another PID namespace */
    gid_t *groups;
    size_t group_count;
    char *unit; /* the systemd unit of his process when he was accepted, where it is known */
};

/* Asks the kernel who connected the socket: the credentials that he had then (unix(7),
 * SO_PEERCRED, SO_PEERGROUPS), and the unit of the process that did, unless it has exited since.
 * Returns 0 or a negative errno. Free with peer_clear. */
int peer_identify(int fd, const char *listener, enum peer_pid how, struct peer *ret_peer);

/* root, or the agent's own user. */
bool peer_is_administrator(const struct peer *peer);

void peer_clear(struct peer *peer);

#endif
