/* Varlink framing: cuts a byte stream into messages at NUL bytes. */
#include "config.h"
#include "client/varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)16 * 1024)

void varlink_input_init(struct varlink_input *input, size_t limit)
{
    *input = (struct varlink_input){.limit = limit};
}

void varlink_input_clear(struct varlink_input *input)
{
    if (input->spare && !*input->spare && input->size == FIRST_SIZE)
        *input->spare = input->data;
    else
        free(input->data);
    *input = (struct varlink_input){.limit = input->limit, .spare = input->spare};
}

static int grow(struct varlink_input *input, size_t size)
{
    if (size > input->limit)
        size = input->limit;
    char *data = realloc(input->data, size);
    if (!data)
        return -ENOMEM;
    input->data = data;
    input->size = size;
    return 0;
}

static int begin(struct varlink_input *input)
{
    if (!input->spare || !*input->spare)
        return grow(input, FIRST_SIZE);
    input->data = *input->spare;
    input->size = FIRST_SIZE;
    *input->spare = NULL;
    return 0;
}

/* Makes room behind `end`: moves what is held to the front, then grows up to the limit. */
static int make_room(struct varlink_input *input)
{
    if (input->start > 0) {
        memmove(input->data, input->data + input->start, input->end - input->start);
        input->scanned -= input->start;
        input->end -= input->start;
        input->start = 0;
    }
    if (input->end < input->size)
        return 0;
    if (input->size >= input->limit)
        return -EMSGSIZE;
    return input->size ? grow(input, input->size * 2) : begin(input);
}

ssize_t varlink_input_read(struct varlink_input *input, int fd)
{
    int r = make_room(input);
    if (r < 0)
        return r;
    ssize_t n = recv(fd, input->data + input->end, input->size - input->end, 0);
    int error = n >= 0 ? 0 : errno == EINTR ? EAGAIN : errno;
    if (n > 0)
        input->end += (size_t)n;
    else if (input->end == input->start)
        varlink_input_clear(input);
    return error ? -error : n;
}

bool varlink_input_ready(struct varlink_input *input)
{
    if (input->scanned < input->end) {
        char *nul = memchr(input->data + input->scanned, '\0', input->end - input->scanned);
        input->scanned = nul ? (size_t)(nul - input->data) : input->end;
    }
    return input->scanned < input->end;
}

int varlink_input_next(struct varlink_input *input, char **ret_message, size_t *ret_length)
{
    bool ready = varlink_input_ready(input);
    size_t length = input->scanned - input->start;
    if (length >= input->limit)
        return -EMSGSIZE;
    if (!ready) {
        if (input->end == input->start)
            varlink_input_clear(input);
        return 0;
    }
    *ret_message = input->data + input->start;
    *ret_length = length;
    input->start = input->scanned = input->scanned + 1;
    return 1;
}

bool varlink_input_partial(const struct varlink_input *input)
{
    return input->end > input->start;
}

ssize_t varlink_send(int fd, const char *data, size_t length)
{
    ssize_t n;
    do
        n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    return n;
}
