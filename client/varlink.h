/* Varlink framing: messages ended by a NUL byte on a stream socket. Knows no JSON.
 * Shared by the client library and the agent; see https://varlink.org. */
#ifndef HINTSIGN_VARLINK_H
#define HINTSIGN_VARLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Limits of one message, its NUL included. */
#define VARLINK_REQUEST_MAX ((size_t)64 * 1024)
#define VARLINK_REPLY_MAX   ((size_t)16 * 1024 * 1024)

/* Where a client finds the agent unless told otherwise. */
#define VARLINK_DEFAULT_SOCKET "/run/hintsign/agent.sock"
#define VARLINK_INTERFACE      "io.hintsign.Agent"

/* Bytes that have arrived and are not taken yet. Holds memory only while it holds bytes. */
struct varlink_input {
    char *data;
    size_t start;   /* first byte not taken */
    size_t scanned; /* no NUL in [start, scanned) */
    size_t end;     /* one past the last byte that arrived */
    size_t size;    /* bytes allocated */
    size_t limit;   /* longest message, its NUL included */
    char **spare;   /* NULL, or where memory that is not needed now is kept for the next input */
};

void varlink_input_init(struct varlink_input *input, size_t limit);

/* Frees the memory, or keeps it in `spare`, which is to be freed; the input is empty and usable
 * afterwards. */
void varlink_input_clear(struct varlink_input *input);

/* Reads once from the socket. Invalidates messages given out before.
 * Returns the number of bytes, 0 at the end of the stream, or a negative errno:
 * -EAGAIN (also when a signal came first: whoever waits has a deadline to look at),
 * -EMSGSIZE (a message without an end fills the limit), -ENOMEM, ... */
ssize_t varlink_input_read(struct varlink_input *input, int fd);

/* Takes the next whole message: *ret_message is NUL-terminated, *ret_length is its length
 * without the NUL; both stay valid until the next call on this input.
 * Returns 1, 0 when none is complete, or -EMSGSIZE. */
int varlink_input_next(struct varlink_input *input, char **ret_message, size_t *ret_length);

/* True when a whole message is waiting, without taking it. */
bool varlink_input_ready(struct varlink_input *input);

/* True when bytes of an unfinished message are held. */
bool varlink_input_partial(const struct varlink_input *input);

/* Sends what the socket takes at once, never raising SIGPIPE.
 * Returns the number of bytes sent (0 when it would block) or a negative errno. */
ssize_t varlink_send(int fd, const char *data, size_t length);

#endif
