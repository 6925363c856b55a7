/* The file behind the audit log: whole lines or nothing. */
#ifndef HINTSIGN_AGENT_AUDIT_FILE_H
#define HINTSIGN_AGENT_AUDIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AUDIT_LINE_MAX ((size_t)64 * 1024) /* bytes */

struct audit_file {
    int fd;
    off_t size; /* of the whole lines; anything behind them is a torn write */
};

/* Opens or creates the file (mode 0640), locks it, cuts off a torn last line and gives back the
 * last whole one: *ret_line, without its newline, to be freed; NULL in an empty log. `*ret_torn`
 * tells how many bytes were cut off.
 * Returns 0, or a negative errno; -EBUSY: another process holds it, -EBADMSG: it ends with a line
 * longer than AUDIT_LINE_MAX. */
int audit_file_open(const char *path, struct audit_file *ret_file, char **ret_line,
                    size_t *ret_length, off_t *ret_torn);

void audit_file_close(struct audit_file *file);

/* Writes whole lines at the end, after cutting off what a failed write left there, and waits until
 * they are on disk where `sync` says so. Returns 0 or a negative errno: then nothing counts as
 * written. */
int audit_file_append(struct audit_file *file, const char *lines, size_t length, bool sync);

#endif
