/* No signature at all: a request and a reply of a token's size over a Unix socket, whose other end
 * is a thread that answers. What one exchange costs before any work is done. */
#include "config.h"
#include "tests/bench/way.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES 150
#define REPLY_BYTES   450

static void prepare(char **arguments)
{
    (void)arguments;
}

static void *answer(void *data)
{
    int fd = (int)(intptr_t)data;
    char bytes[REPLY_BYTES] = {0};
    while (read(fd, bytes, sizeof bytes) > 0)
        if (write(fd, bytes, sizeof bytes) < 0)
            break;
    return NULL;
}

static void *open_echo(unsigned thread, size_t depth)
{
    (void)thread, (void)depth;
    int ends[2];
    pthread_t id;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
        pthread_create(&id, NULL, answer, (void *)(intptr_t)ends[1]) != 0)
        way_fail("socketpair");
    return (void *)(intptr_t)ends[0];
}

static void run(void *connection, size_t depth)
{
    int fd = (int)(intptr_t)connection;
    char bytes[REPLY_BYTES] = {0};
    for (size_t i = 0; i < depth; i++)
        if (write(fd, bytes, REQUEST_BYTES) != REQUEST_BYTES || read(fd, bytes, sizeof bytes) <= 0)
            way_fail("echo");
}

const struct way way_echo = {"echo", "", 0, prepare, open_echo, run};
