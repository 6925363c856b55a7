/* What an agent, or whoever sits at its socket, answers to libhintsign. The first byte says to
 * which call; the rest is sent, and then the connection ends. */
#include "config.h"
#include "client/hintsign.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t reply[REPLY_MAX];
static size_t reply_length;
static int listener;
static const char *path;

/* Answers everybody with the reply, and reads until he goes. */
static void *serve(void *data)
{
    char request[4096];
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if (read(fd, request, sizeof request) > 0) {
            pthread_mutex_lock(&lock);
            (void)!send(fd, reply, reply_length, MSG_NOSIGNAL | MSG_DONTWAIT);
            pthread_mutex_unlock(&lock);
        }
        shutdown(fd, SHUT_WR);
        while (read(fd, request, sizeof request) > 0)
            ;
        close(fd);
    }
    return data;
}

static void end(void)
{
    scratch_close(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    (void)argc, (void)argv;
    scratch_open(NULL);
    path = strdup(scratch_path("agent.sock"));
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 16) < 0 || pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    pthread_detach(thread);
    return atexit(end);
}

static void count(void *data, size_t index, int code, const struct hintsign_token *token)
{
    (void)index;
    if ((code == 0) != (token != NULL))
        abort();
    ++*(size_t *)data;
}

static void mint(struct hintsign *handle)
{
    static const struct hintsign_request request = {.profile = "p", .claims = "{\"sub\":\"b\"}"};
    struct hintsign_token *token = NULL;
    if (hintsign_mint(handle, &request, &token) == 0) {
        if (strlen(token->jwt) != strspn(token->jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                                     "nopqrstuvwxyz0123456789-_."))
            abort();
    }
    hintsign_token_free(token);
}

static void mint_three(struct hintsign *handle)
{
    static const struct hintsign_request requests[] = {
        {.profile = "a"}, {.profile = "b"}, {.profile = "c"}};
    size_t answers = 0;
    if (hintsign_mint_many(handle, requests, 3, count, &answers) == 0 && answers != 3)
        abort();
}

static void get_text(struct hintsign *handle, int (*get)(struct hintsign *, char **))
{
    char *json = NULL;
    if (get(handle, &json) == 0 && json[0] != '{')
        abort();
    free(json);
}

static int get_keys(struct hintsign *handle, char **ret_json)
{
    return hintsign_keys(handle, "p", ret_json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hintsign *handle;
    if (size < 1 || size > REPLY_MAX)
        return 0;
    pthread_mutex_lock(&lock);
    memcpy(reply, data + 1, size - 1);
    reply_length = size - 1;
    pthread_mutex_unlock(&lock);
    if (hintsign_open(path, &handle) < 0)
        abort();
    switch (data[0]) {
    case 'm':
        mint(handle);
        break;
    case '3':
        mint_three(handle);
        break;
    case 'k':
        get_text(handle, get_keys);
        break;
    case 'p':
        get_text(handle, hintsign_profiles);
        break;
    default:
        get_text(handle, hintsign_status);
    }
    const struct hintsign_error *error = hintsign_last_error(handle);
    for (const char *c = error && error->message ? error->message : ""; *c; c++)
        if ((unsigned char)*c < 0x20)
            abort();
    hintsign_close(handle);
    return 0;
}
