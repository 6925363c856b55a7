/* Finds out who is calling from the socket, not from what he says. */
#include "config.h"
#include "agent/peer.h"
#include "agent/unit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

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

/* A pidfd of the process that connected, or a negative errno. */
static int get_pidfd(int fd)
{
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0 ? -errno : pidfd;
}

static bool has_pidfds(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return false;
    int pidfd = get_pidfd(fds[0]);
    if (pidfd >= 0)
        close(pidfd);
    close(fds[0]);
    close(fds[1]);
    return pidfd >= 0;
}

const char *peer_pid_name(enum peer_pid how)
{
    static const char *const names[] = {[PEER_PID_PIDFD] = "pidfd",
                                        [PEER_PID_BEST_EFFORT] = "best-effort",
                                        [PEER_PID_NONE] = "none"};
    return names[how];
}

struct peer_sight peer_look(enum peer_pid wanted)
{
    const char *problem = unit_problem();
    if (!problem && has_pidfds())
        return (struct peer_sight){.pid = PEER_PID_PIDFD};
    if (!problem && wanted == PEER_PID_BEST_EFFORT)
        return (struct peer_sight){.pid = PEER_PID_BEST_EFFORT};
    if (!problem)
        problem = "the kernel has no SO_PEERPIDFD (Linux 6.5), "
                  "and \"peer_pid\" is not \"best-effort\"";
    return (struct peer_sight){.pid = PEER_PID_NONE, .problem = problem};
}

/* A pidfd is readable as soon as its process has exited, and its number is given to no other
 * before that (pidfd_open(2)). */
static bool lives(int pidfd)
{
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    return poll(&fd, 1, 0) == 0;
}

/* Read first, then proved: if the process lives now, its number was its own all the time. */
static void find_unit(int fd, enum peer_pid how, struct peer *peer)
{
    char unit[UNIT_NAME_MAX + 1];
    if (how == PEER_PID_NONE || peer->pid <= 0)
        return;
    int pidfd = how == PEER_PID_PIDFD ? get_pidfd(fd) : -1;
    if (how == PEER_PID_PIDFD && pidfd < 0)
        return;
    if (unit_read(peer->pid, unit) && (pidfd < 0 || lives(pidfd)))
        peer->unit = strdup(unit);
    if (pidfd >= 0)
        close(pidfd);
}

int peer_identify(int fd, const char *listener, enum peer_pid how, struct peer *ret_peer)
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
    find_unit(fd, how, &peer);
    *ret_peer = peer;
    return 0;
}

bool peer_is_administrator(const struct peer *peer)
{
    return peer->identified && (peer->uid == 0 || peer->uid == geteuid());
}

void peer_clear(struct peer *peer)
{
    free(peer->groups);
    free(peer->unit);
    *peer = (struct peer){0};
}
