/* Tokens from hintsign-agent, through libhintsign. */
#include "config.h"
#include "client/hintsign.h"
#include "tests/bench/way.h"

#include <stdio.h>
#include <stdlib.h>

struct connection {
    struct hintsign *handle;
    struct hintsign_request *requests;
    size_t good;
};

static const char *socket_path, *profile, *claims;

static void prepare(char **arguments)
{
    socket_path = arguments[0];
    profile = arguments[1];
    claims = arguments[2];
}

static void *open_agent(unsigned thread, size_t depth)
{
    (void)thread;
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection || hintsign_open(socket_path, &connection->handle) < 0)
        way_fail("hintsign_open");
    connection->requests = calloc(depth, sizeof *connection->requests);
    if (!connection->requests)
        way_fail("memory");
    for (size_t i = 0; i < depth; i++)
        connection->requests[i] = (struct hintsign_request){.profile = profile, .claims = claims};
    return connection;
}

static void count(void *data, size_t index, int code, const struct hintsign_token *token)
{
    struct connection *connection = data;
    (void)index, (void)token;
    connection->good += code == HINTSIGN_OK;
}

static void run(void *data, size_t depth)
{
    struct connection *connection = data;
    connection->good = 0;
    int code =
        hintsign_mint_many(connection->handle, connection->requests, depth, count, connection);
    if (code == HINTSIGN_OK && connection->good == depth)
        return;
    fprintf(stderr, "%s\n", hintsign_last_error(connection->handle)->message);
    way_fail(profile);
}

const struct way way_agent = {"agent", "SOCKET PROFILE CLAIMS", 3, prepare, open_agent, run};
