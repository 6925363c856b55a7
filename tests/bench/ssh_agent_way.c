/* Signatures from ssh-agent, spoken to in its own protocol (RFC draft-ietf-sshm-ssh-agent). */
#include "config.h"
#include "tests/bench/way.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_IDENTITIES 11
#define IDENTITIES_ANSWER  12
#define SIGN_REQUEST       13
#define SIGN_RESPONSE      14
#define RSA_SHA2_256       2 /* a flag of SIGN_REQUEST */
#define MESSAGE_MAX        65536

struct connection {
    int fd;
    size_t length; /* of the request */
    unsigned char request[MESSAGE_MAX], reply[MESSAGE_MAX];
};

static const char *socket_path, *key_type;

static void prepare(char **arguments)
{
    socket_path = arguments[0];
    key_type = arguments[1];
}

static uint32_t get_u32(const unsigned char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return ntohl(value);
}

static size_t put_u32(unsigned char *bytes, size_t value)
{
    uint32_t network = htonl((uint32_t)value);
    memcpy(bytes, &network, sizeof network);
    return sizeof network;
}

static size_t put_string(unsigned char *bytes, const void *string, size_t length)
{
    put_u32(bytes, length);
    memcpy(bytes + 4, string, length);
    return 4 + length;
}

static void read_whole(int fd, unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = read(fd, bytes, length);
        if (n <= 0)
            way_fail("ssh-agent has closed");
        bytes += n;
        length -= (size_t)n;
    }
}

/* Sends the request and reads the reply, whose type must be this one. Returns its length. */
static size_t ask(struct connection *connection, unsigned char type)
{
    put_u32(connection->request, connection->length - 4);
    if (write(connection->fd, connection->request, connection->length) !=
        (ssize_t)connection->length)
        way_fail("write");
    read_whole(connection->fd, connection->reply, 4);
    size_t length = get_u32(connection->reply);
    if (length < 1 || length > MESSAGE_MAX)
        way_fail("reply");
    read_whole(connection->fd, connection->reply, length);
    if (connection->reply[0] != type)
        way_fail("ssh-agent refuses");
    return length;
}

/* The public key of the wanted type among those that the agent lists. */
static const unsigned char *find_key(struct connection *connection, size_t *ret_length)
{
    connection->request[4] = REQUEST_IDENTITIES;
    connection->length = 5;
    size_t length = ask(connection, IDENTITIES_ANSWER), at = 5;
    while (at + 8 < length) {
        const unsigned char *key = connection->reply + at + 4;
        size_t key_length = get_u32(connection->reply + at);
        if (strlen(key_type) == get_u32(key) && memcmp(key + 4, key_type, strlen(key_type)) == 0) {
            *ret_length = key_length;
            return key;
        }
        at += 4 + key_length;
        at += 4 + get_u32(connection->reply + at);
    }
    way_fail(key_type);
}

static void *open_ssh_agent(unsigned thread, size_t depth)
{
    (void)thread, (void)depth;
    static const unsigned char input[WAY_INPUT_BYTES];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        way_fail("memory");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        way_fail(socket_path);
    size_t key_length, at = 4;
    const unsigned char *key = find_key(connection, &key_length);
    connection->request[at++] = SIGN_REQUEST;
    at += put_string(connection->request + at, key, key_length);
    at += put_string(connection->request + at, input, sizeof input);
    at += put_u32(connection->request + at, strcmp(key_type, "ssh-rsa") == 0 ? RSA_SHA2_256 : 0);
    connection->length = at;
    return connection;
}

static void run(void *connection, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        ask(connection, SIGN_RESPONSE);
}

const struct way way_ssh_agent = {"ssh-agent", "SOCKET KEY-TYPE", 2, prepare, open_ssh_agent, run};
