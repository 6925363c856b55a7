/* The lines of a file, one after the other, in bounded memory. */
#ifndef HINTSIGN_AUDIT_READER_H
#define HINTSIGN_AUDIT_READER_H

#include "agent/audit_file.h"

#include <stdbool.h>
#include <stdint.h>

#define READER_BUFFER (4 * AUDIT_LINE_MAX) /* bytes */

/* What there is next, or why there is nothing. */
enum reader_result {
    READER_LINE,       /* a whole line, or the beginning of one that is too long */
    READER_UNFINISHED, /* the end of the file, which has no newline */
    READER_END,
    READER_FAILED, /* errno says why */
};

/* Free with reader_close. */
struct reader {
    int fd;
    uint64_t line; /* the number of the last one, from 1 */
    char *buffer;
    size_t start, end; /* of what is read and not given out yet */
    bool skipping;     /* the rest of a line that is too long */
};

/* Opens a file, or standard input for "-". Returns 0 or a negative errno. */
int reader_open(const char *path, struct reader *ret_reader);

void reader_close(struct reader *reader);

/* The next line, without its newline, valid until the next call; also what is unfinished. Of a line
 * that is too long there are more than AUDIT_LINE_MAX bytes, but not all. */
enum reader_result reader_next(struct reader *reader, const char **ret_line, size_t *ret_length);

#endif
