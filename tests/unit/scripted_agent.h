/* An agent at a real socket that does what a test tells it, for tests of the client. */
#ifndef TESTS_SCRIPTED_AGENT_H
#define TESTS_SCRIPTED_AGENT_H

#include <stdbool.h>
#include <stddef.h>

struct scripted_agent;

/* One connection, seen by the agent. */
struct scripted_connection {
    int fd;
    int number; /* 0 for the agent's first connection */
    char *data; /* what was read: the last request, and bytes beyond it */
    size_t length;
    size_t taken; /* length of the last request */
};

/* Serves one connection, in a thread of its own; it is closed afterwards. `data` is the one that
 * scripted_agent_start got. */
typedef void scripted_serve_fn(struct scripted_connection *connection, void *data);

/* Makes a temporary folder; "agent.sock" within is returned. One for each test program. */
const char *scripted_path(void);

/* Removes the folder; a teardown for cmocka. */
int scripted_remove(void **state);

/* Listens at scripted_path(), the kernel holding connections from now on. */
struct scripted_agent *scripted_agent_start(scripted_serve_fn *serve, void *data);

/* Ends it and all its connections. Returns how many there were. */
int scripted_agent_stop(struct scripted_agent *agent);

/* Reads one request, which lasts until the next; NULL at the end of the connection. */
const char *scripted_read(struct scripted_connection *connection);

/* Writes it all. Returns false when the client has gone. */
bool scripted_write(struct scripted_connection *connection, const char *bytes, size_t length);

/* Writes a message and its NUL. */
bool scripted_reply(struct scripted_connection *connection, const char *message);

/* What scripted_serve_same is given as `data`. */
struct scripted_script {
    const char *reply;
    char last[256]; /* the last request, cut */
};

/* Replies the same to every request, and keeps the last. */
void scripted_serve_same(struct scripted_connection *connection, void *data);

#endif
