/* Writes lines of the audit log again that a disk may have lost. */
#include "config.h"
#include "agent/audit_rewrite.h"
#include "agent/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_DIGITS ((size_t)2 * AUDIT_HASH_BYTES)

/* A line ends with "prev":"HASH"} (audit.h). */
static bool follows(const char *line, size_t length, const unsigned char hash[AUDIT_HASH_BYTES])
{
    static const char end[] = "\"}";
    unsigned char prev[AUDIT_HASH_BYTES];
    size_t tail = HASH_DIGITS + sizeof end - 1;
    return length > tail && memcmp(line + length - sizeof end + 1, end, sizeof end - 1) == 0 &&
           audit_state_read_hash(line + length - tail, prev) == 0 &&
           memcmp(prev, hash, sizeof prev) == 0;
}

/* Whether the lines lead from one mark to the other. */
static bool is_chain(const char *lines, size_t length, const EVP_MD *sha256,
                     const struct audit_mark *from, const struct audit_mark *to)
{
    unsigned char hash[AUDIT_HASH_BYTES];
    memcpy(hash, from->hash, sizeof hash);
    while (length > 0) {
        const char *newline = memchr(lines, '\n', length);
        size_t line = newline ? (size_t)(newline - lines) : 0;
        if (!newline || !follows(lines, line, hash) ||
            !audit_record_sha256(sha256, lines, line, hash))
            return false;
        lines += line + 1;
        length -= line + 1;
    }
    return memcmp(hash, to->hash, sizeof hash) == 0;
}

/* The log's own descriptor appends, whatever place it is given. */
static int write_over(int log, const char *lines, size_t length, off_t offset)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", log);
    int fd = open(link, O_WRONLY | O_CLOEXEC), r = fd < 0 ? -errno : 0;
    while (r == 0 && length > 0) {
        ssize_t n = pwrite(fd, lines, length, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = -errno;
            break;
        }
        lines += n;
        length -= (size_t)n;
        offset += n;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static int write_again(const struct audit_file *file, const EVP_MD *sha256,
                       const struct audit_mark *from, const struct audit_mark *to)
{
    if (to->end <= from->end)
        return 0;
    size_t length = (size_t)(to->end - from->end);
    char *lines = malloc(length);
    if (!lines)
        return -ENOMEM;
    ssize_t n = audit_file_read(file, lines, length, from->end);
    int r = n < 0 ? (int)n : 0;
    if (r == 0 && ((size_t)n < length || !is_chain(lines, length, sha256, from, to)))
        r = -EBADMSG;
    if (r == 0)
        r = write_over(file->fd, lines, length, from->end);
    free(lines);
    return r;
}

int audit_rewrite_sync(struct audit_file *file, const EVP_MD *sha256, const struct audit_mark *from,
                       const struct audit_mark *to)
{
    int r = file->unsure ? write_again(file, sha256, from, to) : 0;
    if (r == -EBADMSG && !file->lost)
        log_error(
            "audit: the disk has lost lines behind number %lld: nothing is given out any more",
            (long long)from->sequence);
    file->lost |= r == -EBADMSG;
    if (r == 0)
        r = audit_file_sync(file);
    if (r == 0)
        file->unsure = false;
    return r;
}
