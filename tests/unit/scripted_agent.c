/* An agent at a real socket that does what a test tells it: a thread for each connection. */
#include "config.h"
#include "tests/unit/scripted_agent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct served {
    struct scripted_agent *agent;
    struct scripted_connection connection;
    pthread_t thread;
};

struct scripted_agent {
    int fd;
    pthread_t thread;
    scripted_serve_fn *serve;
    void *data;
    int count;
    struct served served[CONNECTIONS_MAX];
};

static char folder[64];
static char path[96];

const char *scripted_path(void)
{
    if (!*folder) {
        strcpy(folder, "/tmp/hintsign-unit.XXXXXX");
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof path, "%s/agent.sock", folder);
    }
    return path;
}

int scripted_remove(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* The connection is shut down, not closed: scripted_agent_stop closes it when no thread can use
 * its number any more. */
static void *serve_connection(void *data)
{
    struct served *served = data;
    served->agent->serve(&served->connection, served->agent->data);
    shutdown(served->connection.fd, SHUT_RDWR);
    return NULL;
}

static void *accept_connections(void *data)
{
    struct scripted_agent *agent = data;
    int fd;
    while ((fd = accept4(agent->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct served *served = &agent->served[agent->count];
        served->agent = agent;
        served->connection =
            (struct scripted_connection){.fd = fd, .number = agent->count, .data = calloc(1, 1)};
        if (++agent->count == CONNECTIONS_MAX)
            abort();
        if (pthread_create(&served->thread, NULL, serve_connection, served) != 0)
            abort();
    }
    return NULL;
}

struct scripted_agent *scripted_agent_start(scripted_serve_fn *serve, void *data)
{
    struct scripted_agent *agent = calloc(1, sizeof *agent);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, scripted_path());
    unlink(address.sun_path);
    if (!agent)
        abort();
    agent->serve = serve;
    agent->data = data;
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(agent->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(agent->fd, 16) < 0 ||
        pthread_create(&agent->thread, NULL, accept_connections, agent) != 0)
        abort();
    return agent;
}

int scripted_agent_stop(struct scripted_agent *agent)
{
    shutdown(agent->fd, SHUT_RDWR);
    pthread_join(agent->thread, NULL);
    close(agent->fd);
    unlink(scripted_path());
    int count = agent->count;
    for (int i = 0; i < count; i++) {
        struct served *served = &agent->served[i];
        shutdown(served->connection.fd, SHUT_RDWR);
        pthread_join(served->thread, NULL);
        close(served->connection.fd);
        free(served->connection.data);
    }
    free(agent);
    return count;
}

const char *scripted_read(struct scripted_connection *connection)
{
    char chunk[4096];
    char *nul;
    connection->length -= connection->taken;
    memmove(connection->data, connection->data + connection->taken, connection->length);
    connection->taken = 0;
    while (!(nul = memchr(connection->data, '\0', connection->length))) {
        ssize_t n = recv(connection->fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return NULL;
        connection->data = realloc(connection->data, connection->length + (size_t)n);
        if (!connection->data)
            abort();
        memcpy(connection->data + connection->length, chunk, (size_t)n);
        connection->length += (size_t)n;
    }
    connection->taken = (size_t)(nul - connection->data) + 1;
    return connection->data;
}

bool scripted_write(struct scripted_connection *connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

bool scripted_reply(struct scripted_connection *connection, const char *message)
{
    return scripted_write(connection, message, strlen(message) + 1);
}

void scripted_serve_same(struct scripted_connection *connection, void *data)
{
    struct scripted_script *echo = data;
    const char *request;
    while ((request = scripted_read(connection))) {
        strncpy(echo->last, request, sizeof echo->last - 1);
        if (!scripted_reply(connection, echo->reply))
            return;
    }
}
