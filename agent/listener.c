/* Makes a listening socket with the mode and group that the configuration asks for. */
#include "config.h"
#include "agent/listener.h"
#include "agent/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static int fail(struct listener *listener, const char *what, char *error)
{
    snprintf(error, CONF_ERROR_MAX, "listener %s: %s: %s", listener->conf->name,
             listener->conf->path, what);
    listener_close(listener);
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

/* Mode and group of the file that bind has made and of no other, whatever lies at its path by now:
 * a link is not followed. Returns 0 or a negative errno. */
static int give_access(struct listener *listener)
{
    const struct conf_listener *conf = listener->conf;
    char link[32];
    struct stat st;
    int r = 0, fd = open(conf->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid()) {
        r = -ESTALE;
    } else {
        listener->bound = true;
        listener->device = st.st_dev;
        listener->inode = st.st_ino;
        if ((conf->has_group && st.st_gid != conf->group &&
             fchownat(fd, "", (uid_t)-1, conf->group, AT_EMPTY_PATH) < 0) ||
            chmod(link, conf->mode) < 0)
            r = -errno;
    }
    close(fd);
    return r;
}

static int bind_and_listen(struct listener *listener, char *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", listener->conf->path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return fail(listener, strerror(errno), error);
    if (!remove_stale(&address))
        return fail(listener, "in use, or not a socket", error);
    if (bind_closed(listener->fd, &address) < 0)
        return fail(listener, strerror(errno), error);
    int r = give_access(listener);
    if (r < 0 || listen(listener->fd, BACKLOG) < 0)
        return fail(listener, strerror(r < 0 ? -r : errno), error);
    log_info("listening on %s", listener->conf->path);
    return 0;
}

int listener_open(const struct conf_listener *conf, struct activation *activation,
                  struct listener *ret_listener, char error[static CONF_ERROR_MAX])
{
    struct listener listener = {.conf = conf, .fd = activation_find(activation, conf->name)};
    int r = 0;
    if (listener.fd >= 0)
        log_info("listening on the service manager's socket %s", conf->name);
    else
        r = bind_and_listen(&listener, error);
    if (r == 0)
        *ret_listener = listener;
    return r;
}

void listener_close(struct listener *listener)
{
    struct stat st;
    if (listener->bound && lstat(listener->conf->path, &st) == 0 && st.st_dev == listener->device &&
        st.st_ino == listener->inode)
        unlink(listener->conf->path);
    if (listener->fd >= 0)
        close(listener->fd);
}
