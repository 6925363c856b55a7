/* Makes a listening socket with the mode and group that the configuration asks for. */
#include "config.h"
#include "agent/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static int fail(int fd, const struct conf_listener *listener, const char *what, char *error)
{
    snprintf(error, CONF_ERROR_MAX, "listener %s: %s: %s", listener->name, listener->path, what);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Whether nobody listens there any more: the file was left behind. Any other error than this one
 * is no proof, such as that we may not connect or that it is a socket of another type. */
static bool is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    int r = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = r < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static bool remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT;
    return S_ISSOCK(st.st_mode) && is_stale(address) && unlink(address->sun_path) == 0;
}

/* Nobody can connect before mode and group are right: the file appears with the mode of the socket,
 * none. The umask would do it too, but modules' threads create files meanwhile. */
static int bind_closed(int fd, const struct sockaddr_un *address)
{
    int r = fchmod(fd, 0);
    return r < 0 ? r : bind(fd, (const struct sockaddr *)address, sizeof *address);
}

int listener_open(const struct conf_listener *listener, char error[static CONF_ERROR_MAX])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", listener->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(fd, listener, strerror(errno), error);
    if (!remove_stale(&address))
        return fail(fd, listener, "in use, or not a socket", error);
    if (bind_closed(fd, &address) < 0)
        return fail(fd, listener, strerror(errno), error);
    if (listener->has_group && chown(listener->path, (uid_t)-1, listener->group) < 0)
        return fail(fd, listener, strerror(errno), error);
    if (chmod(listener->path, listener->mode) < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd, listener, strerror(errno), error);
    return fd;
}
