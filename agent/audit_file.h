/* The file behind the audit log: whole lines or nothing. */
#ifndef HINTSIGN_AGENT_AUDIT_FILE_H
#define HINTSIGN_AGENT_AUDIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AUDIT_LINE_MAX ((size_t)64 * 1024) /* bytes */

struct audit_file {
    int fd;
    off_t size;  /* of the whole lines; anything behind them is a torn write */
    bool unsure; /* a sync has failed, perhaps before the start: what was to be on disk may be lost
                  * (audit_rewrite.h) ... */
    bool lost;   /* ... and is */
};

/* Opens a file for reading and writing, with more `flags` of open(2), or creates it for good: its
 * name is on disk too. Returns the descriptor or a negative errno. */
int audit_file_create(const char *path, int flags, mode_t mode);

/* Waits until the names in the path's folder are on disk. Returns 0 or a negative errno. */
int audit_file_sync_folder(const char *path);

/* Opens or creates the file (mode 0640), locks it and gives back the last whole line: *ret_line,
 * without its newline, to be freed; NULL in an empty log. Behind it stand `*ret_torn` bytes of a
 * torn one, which the first audit_file_append cuts off.
 * Returns 0, or a negative errno; -EBUSY: another process holds it, -EBADMSG: it ends with a line
 * longer than AUDIT_LINE_MAX. */
int audit_file_open(const char *path, struct audit_file *ret_file, char **ret_line,
                    size_t *ret_length, off_t *ret_torn);

void audit_file_close(struct audit_file *file);

/* Writes whole lines at the end, after cutting off what a failed write left there, and waits until
 * they are on disk where `sync` says so. Returns 0 or a negative errno: then nothing counts as
 * written. -ENOENT: the file was removed, -ESTALE: it was made shorter. */
int audit_file_append(struct audit_file *file, const char *lines, size_t length, bool sync);

/* A short write must not stay: the next line would be glued to it. Where even cutting it off fails,
 * whoever writes next tries again. Returns 0 or a negative errno; -ESTALE: the file is shorter than
 * what was committed. */
int audit_file_cut_torn(const struct audit_file *file);

/* Waits until what was written is on disk. Returns 0 or a negative errno, and is unsure then. */
int audit_file_sync(struct audit_file *file);

/* Reads bytes of it. Returns how many there were, or a negative errno. */
ssize_t audit_file_read(const struct audit_file *file, char *buffer, size_t length, off_t offset);

/* Whether the file could be written now: writes something, and takes it back. Returns as
 * audit_file_append. */
int audit_file_probe(struct audit_file *file);

/* Reads the line that ends at `end`: *ret_line, without its newline, to be freed. Returns 0 or a
 * negative errno; -EBADMSG: no line ends there. */
int audit_file_line_at(const struct audit_file *file, off_t end, char **ret_line,
                       size_t *ret_length);

/* Writes all of it, in as many pieces as it takes. Returns 0 or a negative errno. */
int audit_file_write(int fd, const char *data, size_t length);

#endif
