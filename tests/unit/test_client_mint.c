/* Tests of minting: what is sent, and many requests in a pipeline. */
#include "config.h"
#include "client/hintsign.h"
#include "client/varlink.h"

#include "tests/unit/scripted_agent.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

static struct hintsign *open_handle(void)
{
    struct hintsign *handle;
    assert_int_equal(hintsign_open(scripted_path(), &handle), HINTSIGN_OK);
    return handle;
}

/* How the agent treats its connections. */
struct agent_ways {
    int closes_after;     /* answers on a connection; 0: never */
    int dies_for_good;    /* at this request of all, and each time it comes again; 0: never */
    bool slowly;          /* few bytes at a time, with long replies */
    pthread_mutex_t lock; /* of `last`: a lost connection may still be served beside the next */
    char last[VARLINK_REQUEST_MAX];
};

/* The agent's view of a request: its reference says what to do. */
static const char *reference_of(json_t *request)
{
    const char *text = NULL;
    json_unpack(request, "{s:{s:s}}", "parameters", "reference", &text);
    return text ? text : "none";
}

/* The token is the request's number, so that a test sees whose it is. */
static bool answer(struct scripted_connection *connection, const struct agent_ways *ways,
                   const char *reference)
{
    static const char padding[1024] = {[0 ... 1022] = 'x'};
    char reply[2048];
    if (strncmp(reference, "refuse", 6) == 0)
        snprintf(reply, sizeof reply,
                 "{\"error\":\"io.hintsign.Agent.NotAllowed\",\"parameters\":{\"message\":\"%s\"}}",
                 reference);
    else if (strcmp(reference, "garbage") == 0)
        strcpy(reply, "garbage");
    else
        snprintf(reply, sizeof reply,
                 "{\"parameters\":{\"token\":\"%s.e30.AAAA\",\"id\":1,\"new\":\"%s\"}}", reference,
                 ways->slowly ? padding : "");
    return scripted_reply(connection, reply);
}

static void serve(struct scripted_connection *connection, void *data)
{
    struct agent_ways *ways = data;
    const char *request;
    int size = 1; /* the kernel makes it the least it allows */
    if (ways->slowly)
        setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (int i = 1; (request = scripted_read(connection)); i++) {
        json_auto_t *json = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
        const char *reference = reference_of(json);
        pthread_mutex_lock(&ways->lock);
        strcpy(ways->last, request);
        pthread_mutex_unlock(&ways->lock);
        if (ways->dies_for_good && atoi(reference) == ways->dies_for_good)
            return;
        if (strcmp(reference, "silence") == 0)
            continue;
        if (!answer(connection, ways, reference) || i == ways->closes_after)
            return;
    }
}

static void request_is_complete(void **state)
{
    struct agent_ways ways = {0};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct hintsign_request request = {.profile = "acme"};
    struct hintsign_token *token;
    (void)state;
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
    hintsign_token_free(token);
    assert_string_equal(
        ways.last, "{\"method\":\"io.hintsign.Agent.Mint\",\"parameters\":{\"profile\":\"acme\"}}");
    request = (struct hintsign_request){"acme", "https://op.example",
                                        "{ \"sub\": \"zo\xc3\xab\\\"\", \"o\": {\"n\":[1,null]} }",
                                        "r 1"};
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_PROTOCOL);
    request.reference = "r1";
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
    assert_string_equal(token->jwt, "r1.e30.AAAA");
    hintsign_token_free(token);
    assert_string_equal(ways.last,
                        "{\"method\":\"io.hintsign.Agent.Mint\",\"parameters\":"
                        "{\"profile\":\"acme\",\"audience\":\"https://op.example\","
                        "\"claims\":{ \"sub\": \"zo\xc3\xab\\\"\", \"o\": {\"n\":[1,null]} },"
                        "\"reference\":\"r1\"}}");
    hintsign_close(handle);
    scripted_agent_stop(agent);
}

/* A profile's name that makes the request `size` bytes long, with its NUL. */
static char *profile_for(size_t size)
{
    static const char frame[] =
        "{\"method\":\"io.hintsign.Agent.Mint\",\"parameters\":{\"profile\":\"\"}}";
    char *profile = calloc(1, size);
    memset(profile, 'x', size - sizeof frame);
    return profile;
}

static void invalid_requests_are_not_sent(void **state)
{
    char *longest = profile_for(VARLINK_REQUEST_MAX),
         *longer = profile_for(VARLINK_REQUEST_MAX + 1);
    const struct hintsign_request requests[] = {
        {.profile = NULL},
        {.profile = "\xff"},
        {.profile = longer},
        {.profile = "acme", .audience = "\xff"},
        {.profile = "acme", .reference = "\xff", .claims = "{}"},
        {.profile = "acme", .claims = ""},
        {.profile = "acme", .claims = "[]"},
        {.profile = "acme", .claims = "\"text\""},
        {.profile = "acme", .claims = "{\"a\":1,\"a\":2}"},
        {.profile = "acme", .claims = "{\"a\":\"\xff\"}"},
        {.profile = "acme", .claims = "{} {}"},
    };
    struct agent_ways ways = {.last = "nothing"};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct hintsign_token *token = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_int_equal(hintsign_mint(handle, &requests[i], &token), HINTSIGN_INVALID);
        const struct hintsign_error *error = hintsign_last_error(handle);
        assert_string_equal(error->name, "Invalid");
        assert_string_not_equal(strrchr(error->message, ' '), " "); /* ends with a reason */
        assert_null(token);
        assert_string_equal(ways.last, "nothing");
    }
    struct hintsign_request request = {.profile = longest};
    assert_int_equal(hintsign_mint(handle, &request, &token), HINTSIGN_OK);
    assert_int_equal(strlen(ways.last), VARLINK_REQUEST_MAX - 1);
    hintsign_token_free(token);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
    free(longest);
    free(longer);
}

/* What mint_many told. */
struct heard {
    struct hintsign *handle;
    const struct hintsign_request *requests;
    size_t count;
    size_t refused;
    size_t invalid;
};

static void hear(void *data, size_t index, int code, const struct hintsign_token *token)
{
    struct heard *heard = data;
    const char *reference = heard->requests[index].reference;
    const struct hintsign_error *error = hintsign_last_error(heard->handle);
    assert_int_equal(index, heard->count++);
    heard->refused += code == HINTSIGN_REFUSED;
    heard->invalid += code == HINTSIGN_INVALID;
    if (code == HINTSIGN_OK) {
        assert_int_equal(strspn(token->jwt, "0123456789"), strlen(reference));
        assert_memory_equal(token->jwt, reference, strlen(reference));
        return;
    }
    assert_null(token);
    assert_int_equal(error->code, code);
    if (code == HINTSIGN_REFUSED)
        assert_string_equal(error->message, reference);
}

#define REFERENCE_SIZE 32

struct many {
    struct hintsign_request *requests;
    char (*references)[REFERENCE_SIZE];
    size_t count;
};

static struct many make_many(size_t count)
{
    struct many many = {calloc(count, sizeof *many.requests), calloc(count, REFERENCE_SIZE), count};
    for (size_t i = 0; i < count; i++) {
        snprintf(many.references[i], REFERENCE_SIZE, "%zu", i);
        many.requests[i] =
            (struct hintsign_request){.profile = "acme", .reference = many.references[i]};
    }
    return many;
}

static void free_many(struct many *many)
{
    free(many->requests);
    free(many->references);
}

static int mint_many(struct hintsign *handle, const struct many *many, struct heard *ret_heard)
{
    *ret_heard = (struct heard){.handle = handle, .requests = many->requests};
    return hintsign_mint_many(handle, many->requests, many->count, hear, ret_heard);
}

/* The agent writes before it reads on, in the smallest buffer that there is: whoever sent all
 * requests before reading the first reply would wait for ever. */
static void ten_thousand_to_a_slow_agent(void **state)
{
    struct agent_ways ways = {.slowly = true};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(10000);
    struct heard heard;
    (void)state;
    assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_OK);
    assert_int_equal(heard.count, many.count);
    assert_int_equal(heard.refused, 0);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
    free_many(&many);
}

/* Requests so long that the socket takes only part of one at a time. */
static void long_requests(void **state)
{
    struct agent_ways ways = {.slowly = true};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(100);
    char *profile = profile_for(VARLINK_REQUEST_MAX - 100);
    struct heard heard;
    (void)state;
    for (size_t i = 0; i < many.count; i++)
        many.requests[i].profile = profile;
    assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_OK);
    assert_int_equal(heard.count, many.count);
    hintsign_close(handle);
    scripted_agent_stop(agent);
    free(profile);
    free_many(&many);
}

static void refusals_cost_no_other(void **state)
{
    struct agent_ways ways = {0};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(1000);
    struct heard heard;
    (void)state;
    for (size_t i = 0; i < many.count; i += 10)
        snprintf(many.references[i], REFERENCE_SIZE, "refuse %zu", i);
    for (size_t i = 5; i < many.count; i += 100)
        many.requests[i].claims = "not JSON";
    assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_OK);
    assert_int_equal(heard.count, many.count);
    assert_int_equal(heard.refused, 100);
    assert_int_equal(heard.invalid, 10);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 1);
    free_many(&many);
}

static void goes_on_after_every_loss(void **state)
{
    struct agent_ways ways = {.closes_after = 10};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(995);
    struct heard heard;
    (void)state;
    assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_OK);
    assert_int_equal(heard.count, many.count);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 100);
    free_many(&many);
}

/* A request that ends the agent is tried twice, not for ever. */
static void gives_up(void **state)
{
    struct agent_ways ways = {.dies_for_good = 500};
    struct scripted_agent *agent = scripted_agent_start(serve, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(1000);
    struct heard heard;
    (void)state;
    assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_UNREACHABLE);
    assert_int_equal(heard.count, 500);
    hintsign_close(handle);
    assert_int_equal(scripted_agent_stop(agent), 2);
    free_many(&many);
}

static void breaks_in_the_middle(void **state)
{
    static const struct {
        const char *reference;
        int code;
    } breaks[] = {{"garbage", HINTSIGN_PROTOCOL}, {"silence", HINTSIGN_TIMEOUT}};
    struct many many = make_many(100);
    struct heard heard;
    (void)state;
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        struct agent_ways ways = {0};
        struct scripted_agent *agent = scripted_agent_start(serve, &ways);
        struct hintsign *handle = open_handle();
        hintsign_set_timeout(handle, 200);
        strcpy(many.references[99], breaks[i].reference);
        assert_int_equal(mint_many(handle, &many, &heard), breaks[i].code);
        assert_int_equal(heard.count, 99);
        /* The handle is as good as new. */
        many.count = 99;
        assert_int_equal(mint_many(handle, &many, &heard), HINTSIGN_OK);
        many.count = 100;
        hintsign_close(handle);
        assert_int_equal(scripted_agent_stop(agent), 2);
    }
    free_many(&many);
}

static void serve_ahead(struct scripted_connection *connection, void *data)
{
    const struct agent_ways *ways = data;
    scripted_read(connection);
    for (int i = 0; i < 20; i++)
        answer(connection, ways, "0");
    scripted_read(connection);
}

static void count_answers(void *data, size_t index, int code, const struct hintsign_token *token)
{
    size_t *count = data;
    (void)token;
    assert_int_equal(index, (*count)++);
    assert_int_equal(code, HINTSIGN_OK);
}

/* The socket holds only some of these requests; an agent that answers all cannot have read them. */
static void replies_ahead_of_requests_are_refused(void **state)
{
    struct agent_ways ways = {0};
    struct scripted_agent *agent = scripted_agent_start(serve_ahead, &ways);
    struct hintsign *handle = open_handle();
    struct many many = make_many(20);
    char *profile = profile_for(VARLINK_REQUEST_MAX - 100);
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < many.count; i++)
        many.requests[i].profile = profile;
    assert_int_equal(hintsign_mint_many(handle, many.requests, many.count, count_answers, &count),
                     HINTSIGN_PROTOCOL);
    assert_true(count < many.count);
    hintsign_close(handle);
    scripted_agent_stop(agent);
    free(profile);
    free_many(&many);
}

static void none_asks_nobody(void **state)
{
    struct hintsign *handle = open_handle();
    (void)state;
    assert_int_equal(hintsign_mint_many(handle, NULL, 0, hear, NULL), HINTSIGN_OK);
    hintsign_close(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_complete),
        cmocka_unit_test(invalid_requests_are_not_sent),
        cmocka_unit_test(ten_thousand_to_a_slow_agent),
        cmocka_unit_test(long_requests),
        cmocka_unit_test(refusals_cost_no_other),
        cmocka_unit_test(goes_on_after_every_loss),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(breaks_in_the_middle),
        cmocka_unit_test(replies_ahead_of_requests_are_refused),
        cmocka_unit_test(none_asks_nobody),
    };
    return cmocka_run_group_tests_name("client mint", tests, NULL, scripted_remove);
}
