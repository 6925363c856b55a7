/* The file behind the audit log: opens and locks it, finds its last line, appends whole lines. */
#include "config.h"
#include "agent/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_BYTES 4096 /* a file system gives room in blocks */

int audit_file_sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return r;
}

int audit_file_create(const char *path, int flags, mode_t mode)
{
    flags |= O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
    int fd = open(path, flags);
    if (fd >= 0 || errno != ENOENT)
        return fd >= 0 ? fd : -errno;
    fd = open(path, flags | O_CREAT, mode);
    if (fd < 0)
        return -errno;
    int r = audit_file_sync_folder(path);
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}

static ssize_t read_at(int fd, char *buffer, size_t length, off_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, buffer + done, length - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t audit_file_read(const struct audit_file *file, char *buffer, size_t length, off_t offset)
{
    return read_at(file->fd, buffer, length, offset);
}

/* The end of the file: at most a torn line and the whole one before it. */
static int read_tail(int fd, off_t size, char **ret_tail, size_t *ret_length)
{
    size_t length = size < (off_t)(2 * AUDIT_LINE_MAX) ? (size_t)size : 2 * AUDIT_LINE_MAX;
    char *tail = malloc(length + 1);
    if (!tail)
        return -ENOMEM;
    ssize_t n = read_at(fd, tail, length, size - (off_t)length);
    if (n != (ssize_t)length) {
        free(tail);
        return n < 0 ? (int)n : -EIO;
    }
    *ret_tail = tail;
    *ret_length = length;
    return 0;
}

/* Cuts `tail` down to its last whole line, moved to its front. */
static int find_line(char *tail, size_t length, bool whole_file, size_t *ret_line, size_t *ret_torn)
{
    const char *end = length ? memrchr(tail, '\n', length) : NULL;
    *ret_torn = end ? length - (size_t)(end - tail) - 1 : length;
    *ret_line = 0;
    if (!end) /* nothing but an unfinished first record, or no log at all */
        return whole_file && strncmp(tail, "{\"seq\":1,", length < 9 ? length : 9) == 0 ? 0
                                                                                        : -EBADMSG;
    const char *before = end > tail ? memrchr(tail, '\n', (size_t)(end - tail)) : NULL;
    if (!before && !whole_file)
        return -EBADMSG;
    const char *start = before ? before + 1 : tail;
    *ret_line = (size_t)(end - start);
    memmove(tail, start, *ret_line);
    tail[*ret_line] = '\0';
    return 0;
}

static int take_up(int fd, struct audit_file *ret_file, char **ret_line, size_t *ret_length,
                   off_t *ret_torn)
{
    struct stat st;
    char *tail = NULL;
    size_t length = 0, torn = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    int r = read_tail(fd, st.st_size, &tail, &length);
    if (r == 0)
        r = find_line(tail, length, (off_t)length == st.st_size, ret_length, &torn);
    if (r < 0 || st.st_size == (off_t)torn) {
        free(tail);
        tail = NULL;
    }
    if (r < 0)
        return r;
    *ret_line = tail;
    *ret_torn = (off_t)torn;
    *ret_file = (struct audit_file){.fd = fd, .size = st.st_size - (off_t)torn};
    return 0;
}

int audit_file_open(const char *path, struct audit_file *ret_file, char **ret_line,
                    size_t *ret_length, off_t *ret_torn)
{
    int fd = audit_file_create(path, O_APPEND, 0640);
    if (fd < 0)
        return fd;
    int r = take_up(fd, ret_file, ret_line, ret_length, ret_torn);
    if (r < 0)
        close(fd);
    return r;
}

void audit_file_close(struct audit_file *file)
{
    close(file->fd);
    file->fd = -1;
}

int audit_file_line_at(const struct audit_file *file, off_t end, char **ret_line,
                       size_t *ret_length)
{
    char *tail = NULL;
    size_t length = 0, torn = 0;
    if (end < 1 || end > file->size)
        return -EBADMSG;
    int r = read_tail(file->fd, end, &tail, &length);
    if (r == 0)
        r = find_line(tail, length, (off_t)length == end, ret_length, &torn);
    if (r == 0 && torn > 0)
        r = -EBADMSG;
    if (r < 0)
        free(tail);
    else
        *ret_line = tail;
    return r;
}

int audit_file_write(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

int audit_file_sync(struct audit_file *file)
{
    int r = fdatasync(file->fd) < 0 ? -errno : 0;
    file->unsure |= r < 0;
    return r;
}

int audit_file_cut_torn(const struct audit_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return -errno;
    if (st.st_size == file->size)
        return 0;
    if (st.st_size < file->size)
        return -ESTALE; /* by somebody else */
    return ftruncate(file->fd, file->size) < 0 ? -errno : 0;
}

/* Asked after the write: what is in a file that nobody can find any more is not recorded. */
static int check_name(const struct audit_file *file)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return -errno;
    return st.st_nlink == 0 ? -ENOENT : 0;
}

int audit_file_append(struct audit_file *file, const char *lines, size_t length, bool sync)
{
    int r = audit_file_cut_torn(file);
    if (r == 0)
        r = audit_file_write(file->fd, lines, length);
    if (r == 0 && sync)
        r = audit_file_sync(file);
    if (r == 0)
        r = check_name(file);
    if (r == 0)
        file->size += (off_t)length;
    else if (r != -ESTALE)
        (void)!ftruncate(file->fd, file->size);
    return r;
}

int audit_file_probe(struct audit_file *file)
{
    static const char block[PROBE_BYTES];
    off_t size = file->size;
    int r = audit_file_append(file, block, sizeof block, true);
    file->size = size;
    return r < 0 ? r : audit_file_cut_torn(file);
}
