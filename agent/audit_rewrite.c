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
#define PIECE       (8 * AUDIT_LINE_MAX) /* bytes that are read at once; a line is no longer */

/* A line ends with "prev":"HASH"} (audit.h). */
static bool follows(const char *line, size_t length, const unsigned char hash[AUDIT_HASH_BYTES])
{
    static const char end[] = "\"}";
    unsigned char prev[AUDIT_HASH_BYTES];
    size_t tail = HASH_DIGITS + sizeof end - 1;
    return length > tail && memcmp(line + length - sizeof end + 1, end, sizeof end - 1) == 0 &&
           audit_record_read_hash(line + length - tail, prev) &&
           memcmp(prev, hash, sizeof prev) == 0;
}

/* How many bytes are whole lines that go on from the hash, which becomes that of the last one. */
static size_t follow(const char *lines, size_t length, const EVP_MD *sha256,
                     unsigned char hash[static AUDIT_HASH_BYTES])
{
    size_t done = 0;
    for (const char *newline; (newline = memchr(lines + done, '\n', length - done));) {
        size_t line = (size_t)(newline - lines) - done;
        if (!follows(lines + done, line, hash) ||
            !audit_record_sha256(sha256, lines + done, line, hash))
            break;
        done += line + 1;
    }
    return done;
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

/* Piece by piece: there can be more than fits in memory. What turns out to be no chain after all
 * was only replaced by itself. */
static int write_pieces(const struct audit_file *file, const EVP_MD *sha256, char *piece,
                        const struct audit_mark *from, const struct audit_mark *to)
{
    unsigned char hash[AUDIT_HASH_BYTES];
    memcpy(hash, from->hash, sizeof hash);
    for (off_t at = from->end; at < to->end;) {
        size_t length = to->end - at < (off_t)PIECE ? (size_t)(to->end - at) : PIECE;
        ssize_t n = audit_file_read(file, piece, length, at);
        if (n < 0)
            return (int)n;
        size_t lines = follow(piece, (size_t)n, sha256, hash);
        int r = lines > 0 ? write_over(file->fd, piece, lines, at) : -EBADMSG;
        if (r < 0)
            return r;
        at += (off_t)lines;
    }
    return memcmp(hash, to->hash, sizeof hash) == 0 ? 0 : -EBADMSG;
}

static int write_again(const struct audit_file *file, const EVP_MD *sha256,
                       const struct audit_mark *from, const struct audit_mark *to)
{
    if (to->end <= from->end)
        return 0;
    char *piece = malloc(PIECE);
    int r = piece ? write_pieces(file, sha256, piece, from, to) : -ENOMEM;
    free(piece);
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
