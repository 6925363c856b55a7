/* Reads a file line by line, however long its lines may be, in bounded memory. */
#include "config.h"
#include "agent/audit/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int reader_open(const char *path, struct reader *ret_reader)
{
    bool standard_input = strcmp(path, "-") == 0;
    struct reader reader = {.fd = standard_input ? STDIN_FILENO
                                                 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (reader.fd < 0)
        return -errno;
    reader.buffer = malloc(READER_BUFFER);
    if (!reader.buffer) {
        reader_close(&reader);
        return -ENOMEM;
    }
    *ret_reader = reader;
    return 0;
}

void reader_close(struct reader *reader)
{
    if (reader->fd != STDIN_FILENO)
        close(reader->fd);
    free(reader->buffer);
    reader->buffer = NULL;
}

/* Adds bytes to the buffer, where there is room. Returns how many; 0 at the end; -1. */
static ssize_t fill(struct reader *reader)
{
    if (reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    ssize_t n;
    do
        n = read(reader->fd, reader->buffer + reader->end, READER_BUFFER - reader->end);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        reader->end += (size_t)n;
    return n;
}

/* Gives out `length` bytes and drops `skip` more. */
static enum reader_result give(struct reader *reader, enum reader_result result, size_t length,
                               size_t skip, const char **ret_line, size_t *ret_length)
{
    *ret_line = reader->buffer + reader->start;
    *ret_length = length;
    reader->start += length + skip;
    reader->line++;
    return result;
}

/* Drops the rest of a line of which enough was given out, as far as it is read. */
static void skip_rest(struct reader *reader)
{
    const char *from = reader->buffer + reader->start;
    const char *newline = memchr(from, '\n', reader->end - reader->start);
    reader->skipping = !newline;
    reader->start = newline ? reader->start + (size_t)(newline - from) + 1 : reader->end;
}

enum reader_result reader_next(struct reader *reader, const char **ret_line, size_t *ret_length)
{
    for (;;) {
        if (reader->skipping)
            skip_rest(reader);
        size_t held = reader->end - reader->start;
        const char *from = reader->buffer + reader->start;
        const char *newline = memchr(from, '\n', held);
        if (newline)
            return give(reader, READER_LINE, (size_t)(newline - from), 1, ret_line, ret_length);
        if (held > AUDIT_LINE_MAX) {
            reader->skipping = true;
            return give(reader, READER_LINE, held, 0, ret_line, ret_length);
        }
        ssize_t n = fill(reader);
        if (n < 0)
            return READER_FAILED;
        if (n == 0 && held == 0)
            return READER_END;
        if (n == 0)
            return give(reader, READER_UNFINISHED, held, 0, ret_line, ret_length);
    }
}
