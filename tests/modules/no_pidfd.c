/* Preloaded into the agent, makes the kernel one that has no SO_PEERPIDFD (before Linux 6.5). */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
    if (level == SOL_SOCKET && name == SO_PEERPIDFD) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
}
