/* What a caller sends, through a socket into the code that serves: framing, parsing, policy,
 * replies. Every reply must be one JSON object with parameters or an error. */
#include "config.h"
#include "agent/conn.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MAX ((rlim_t)1024 * 1024) /* bytes; then minting is refused, as on a full disk */
#define TURNS   10000

static struct service *service;
static struct serving serving;

static void end(void)
{
    serve_free(&serving);
    given_end(service);
    scratch_close(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    scratch_open(NULL);
    given_profile("p", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'me','audiences':['a','b'],"
                       "'allow':[{'listener':'default'}]}");
    given_profile(
        "c", "{" GIVEN_PROFILE ",'kind':'ciba','issuer':'me','audiences':['a'],"
             "'accept':{'s':'string','e':'email','n':'integer','b':'boolean','u':'uuid',"
             "'t':'e164','l':'uri','i':'sub_id','o':{'form':'object','members':{'x':'string'}}},"
             "'one_of':[['s','i']],'allow':[{'listener':'default'}]}");
    given_profile("theirs",
                  "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'me','audiences':['a'],"
                  "'allow':[{'listener':'shop'}]}");
    service = given_service();
    serving.service = service;
    scratch_limit(LOG_MAX);
    return atexit(end);
}

static void check_reply(const char *text, size_t length)
{
    json_t *reply = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(reply) || !json_is_object(json_object_get(reply, "parameters")))
        abort();
    json_decref(reply);
}

/* Takes what was sent, and checks each whole reply. */
static void take_replies(int fd, char *replies, size_t size, size_t *used)
{
    ssize_t n;
    while ((n = recv(fd, replies + *used, size - *used, MSG_DONTWAIT)) > 0) {
        *used += (size_t)n;
        char *start = replies, *nul;
        while ((nul = memchr(start, '\0', *used - (size_t)(start - replies)))) {
            check_reply(start, (size_t)(nul - start));
            start = nul + 1;
        }
        *used -= (size_t)(start - replies);
        memmove(replies, start, *used);
        if (*used == size)
            abort();
    }
}

static struct conn *connect_both(int ret_fds[2])
{
    struct peer peer = {.listener = "default", .identified = true, .uid = 1, .gid = 1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds) < 0)
        abort();
    struct conn *conn = conn_new(ret_fds[0], &peer);
    if (!conn)
        abort();
    return conn;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char replies[1024 * 1024];
    size_t used = 0, sent = 0;
    int fds[2];
    struct conn *conn = connect_both(fds);
    enum conn_wait wait = CONN_READ;
    for (int turn = 0; wait != CONN_CLOSE; turn++) {
        ssize_t n = send(fds[1], data + sent, size - sent, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        if (sent == size)
            shutdown(fds[1], SHUT_WR);
        wait = conn_serve(conn, &serving, false);
        take_replies(fds[1], replies, sizeof replies, &used);
        if (turn == TURNS)
            abort();
    }
    if (used > 0)
        abort();
    conn_free(conn);
    close(fds[1]);
    return 0;
}
