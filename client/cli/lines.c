/* Lines of a file, as they come: whoever writes them one by one is answered one by one. */
#include "config.h"
#include "client/cli/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int lines_read(struct lines *lines)
{
    memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    if (lines->ended)
        return 0;
    if (lines->end == sizeof lines->data)
        return -EMSGSIZE;
    ssize_t n;
    do
        n = read(lines->fd, lines->data + lines->end, sizeof lines->data - lines->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    lines->ended = n == 0;
    lines->end += (size_t)n;
    return lines->end > 0;
}

bool lines_next(struct lines *lines, const char **ret_line, size_t *ret_length)
{
    const char *line = lines->data + lines->start;
    size_t left = lines->end - lines->start;
    const char *newline = memchr(line, '\n', left);
    if (!newline && !(lines->ended && left > 0))
        return false;
    *ret_line = line;
    *ret_length = newline ? (size_t)(newline - line) : left;
    size_t used = *ret_length + (newline ? 1 : 0);
    lines->start += used;
    lines->taken += used;
    return true;
}
