/* Lines of a file, as they come. */
#ifndef HINTSIGN_CLI_LINES_H
#define HINTSIGN_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The longest line. */
#define LINES_LENGTH_MAX ((size_t)64 * 1024)

struct lines {
    int fd;
    bool ended;
    size_t start;
    size_t end;
    uint64_t taken; /* bytes of the lines that were taken */
    char data[LINES_LENGTH_MAX + 1];
};

/* Reads once, waiting for what comes. Invalidates lines given out before. Returns 1 when there may
 * be lines to take, 0 at the end, or a negative errno: -EMSGSIZE for a line that is too long. */
int lines_read(struct lines *lines);

/* Takes the next line that is there whole, or the last one without its newline. Waits for
 * nothing. *ret_line has no newline and no NUL; it lasts until lines_read. Returns false when
 * there is none. */
bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_length);

#endif
