/* Gives the audit log a new file and puts the old one aside, safe against a crash at every step. */
#include "config.h"
#include "agent/audit_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX 10 /* for files that were put aside within one second */

/* Never over an existing file. */
static int move(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The name that somebody has given to the file meanwhile. */
static int find_name(const struct audit_file *file, char **ret_name)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file->fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return -errno;
    path[n] = '\0';
    *ret_name = strdup(base_name(path));
    return *ret_name ? 0 : -ENOMEM;
}

static int choose_name(const char *path, char **ret_aside)
{
    char when[32];
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
    for (int i = 0; i < NAMES_MAX; i++) {
        char suffix[8] = "";
        if (i > 0)
            snprintf(suffix, sizeof suffix, "-%d", i);
        if (asprintf(ret_aside, "%s.%s%s", path, when, suffix) < 0)
            return -ENOMEM;
        if (faccessat(AT_FDCWD, *ret_aside, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT ? 0 : -errno;
        free(*ret_aside);
        *ret_aside = NULL;
    }
    return -EEXIST;
}

static int choose_names(const struct audit_file *file, const struct stat *st,
                        struct audit_rotation *rotation)
{
    struct stat there;
    if (lstat(rotation->path, &there) < 0)
        return errno == ENOENT && st->st_nlink > 0 ? find_name(file, &rotation->previous) : -errno;
    if (there.st_dev != st->st_dev || there.st_ino != st->st_ino)
        return -EEXIST;
    int r = choose_name(rotation->path, &rotation->aside);
    if (r < 0)
        return r;
    rotation->previous = strdup(base_name(rotation->aside));
    return rotation->previous ? 0 : -ENOMEM;
}

/* The old file's group and mode, as far as we may. The group that it has instead gets nothing:
 * callers are often in the agent's. */
static void set_access(int fd, const struct stat *old)
{
    struct stat fresh;
    (void)!fchown(fd, (uid_t)-1, old->st_gid);
    bool same = fstat(fd, &fresh) == 0 && fresh.st_gid == old->st_gid;
    (void)!fchmod(fd, old->st_mode & (same ? 0777 : 0707));
}

static int create(struct audit_rotation *rotation, const struct stat *st)
{
    if (asprintf(&rotation->fresh, "%s.new", rotation->path) < 0) {
        rotation->fresh = NULL;
        return -ENOMEM;
    }
    rotation->fd =
        open(rotation->fresh, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (rotation->fd < 0)
        return -errno;
    set_access(rotation->fd, st);
    return flock(rotation->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

int audit_rotate_begin(const struct audit_file *file, const char *path,
                       struct audit_rotation *ret_rotation)
{
    struct audit_rotation rotation = {.path = path, .fd = -1};
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return -errno;
    int r = choose_names(file, &st, &rotation);
    if (r == 0)
        r = create(&rotation, &st);
    if (r < 0) {
        audit_rotate_end(&rotation);
        return r;
    }
    *ret_rotation = rotation;
    return 0;
}

/* All that was written is on disk before a name changes, and each name before the next one. */
static int change_names(const struct audit_rotation *rotation)
{
    int r = audit_file_sync_folder(rotation->path);
    if (r == 0 && rotation->aside)
        r = move(rotation->path, rotation->aside);
    if (r < 0)
        return r;
    r = audit_file_sync_folder(rotation->path);
    if (r == 0)
        r = move(rotation->fresh, rotation->path);
    if (r < 0) {
        if (rotation->aside)
            move(rotation->aside, rotation->path);
        return r;
    }
    r = audit_file_sync_folder(rotation->path);
    if (r < 0 && move(rotation->path, rotation->fresh) == 0 && rotation->aside)
        move(rotation->aside, rotation->path);
    return r;
}

int audit_rotate_finish(struct audit_file *file, struct audit_rotation *rotation, const char *line,
                        size_t length)
{
    int r = audit_file_cut_torn(file);
    if (r == 0)
        r = audit_file_sync(file);
    if (r == 0)
        r = audit_file_write(rotation->fd, line, length);
    if (r == 0 && fsync(rotation->fd) < 0)
        r = -errno;
    if (r == 0)
        r = change_names(rotation);
    if (r < 0)
        return r;
    close(file->fd);
    *file = (struct audit_file){.fd = rotation->fd, .size = (off_t)length};
    rotation->fd = -1;
    return 0;
}

void audit_rotate_end(struct audit_rotation *rotation)
{
    if (rotation->fd >= 0 && rotation->fresh) {
        unlink(rotation->fresh);
        close(rotation->fd);
    }
    free(rotation->fresh);
    free(rotation->aside);
    free(rotation->previous);
}

static bool is_whole(int fd)
{
    struct stat st;
    char last = 0;
    return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
           last == '\n';
}

/* While the path is taken, the new file has never been the log. */
static int settle(const char *path, const char *fresh, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    int r = is_whole(fd) ? move(fresh, path) : -EEXIST;
    if (r == 0)
        return audit_file_sync_folder(path);
    if (r == -EEXIST)
        return unlink(fresh) < 0 ? -errno : 0;
    return r;
}

int audit_rotate_recover(const char *path)
{
    char *fresh = NULL;
    if (asprintf(&fresh, "%s.new", path) < 0)
        return -ENOMEM;
    int fd = open(fresh, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    int r = fd < 0 ? (errno == ENOENT ? 0 : -errno) : settle(path, fresh, fd);
    if (fd >= 0)
        close(fd);
    free(fresh);
    return r;
}
