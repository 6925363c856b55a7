/* Requests out and replies in, in the same order: keeps a bounded window of requests in flight,
 * sends and receives at the same time, and begins again where the connection died. */
#include "config.h"
#include "client/exchange.h"

#include "client/reply.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Requests in flight. The agent serves 64 of one connection in a row, so it never starves. */
#define WINDOW ((size_t)256)

/* No request is composed while this many bytes wait to be sent. */
#define OUTPUT_ENOUGH ((size_t)64 * 1024)

struct state {
    struct hintsign *handle;
    const struct exchange *exchange;
    size_t answered; /* requests before this one are done */
    size_t sent;     /* ... have left wholly */
    size_t composed; /* ... were put into `output` */
    char *output;
    size_t start; /* first byte not sent */
    size_t end;
    size_t size;
    int64_t deadline; /* of the next answer */
    bool lost;        /* the connection died since the last answer */
};

static int append(struct state *state, const char *message, size_t length)
{
    if (state->start > 0) {
        memmove(state->output, state->output + state->start, state->end - state->start);
        state->end -= state->start;
        state->start = 0;
    }
    if (length > state->size - state->end) {
        size_t size = (state->end + length) * 2;
        char *output = realloc(state->output, size);
        if (!output)
            return HINTSIGN_NO_MEMORY;
        state->output = output;
        state->size = size;
    }
    memcpy(state->output + state->end, message, length);
    state->end += length;
    return 0;
}

/* Puts one call, its NUL included, behind the bytes that wait to be sent. */
static int compose_call(struct state *state, size_t index)
{
    const struct exchange *exchange = state->exchange;
    struct error *error = &state->handle->error;
    json_t *parameters;
    int code = exchange->compose(exchange->data, index, &parameters);
    if (code < 0)
        return code;

    json_t *call = json_pack("{s:s++, s:o}", "method", VARLINK_INTERFACE, ".", exchange->method,
                             "parameters", parameters);
    char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
    json_decref(call);
    size_t length = text ? strlen(text) + 1 : 0;
    if (length > VARLINK_REQUEST_MAX)
        code = error_set(error, HINTSIGN_INVALID, "the request is longer than %zu bytes",
                         VARLINK_REQUEST_MAX);
    else if (!text || append(state, text, length) < 0)
        code = error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
    free(text);
    return code;
}

static int finish(struct state *state, int code, const json_t *parameters)
{
    const struct exchange *exchange = state->exchange;
    code = exchange->answer(exchange->data, state->answered, code, parameters);
    if (code < 0)
        return code;
    state->answered++;
    state->lost = false;
    state->deadline = connection_deadline(state->handle);
    return 0;
}

/* Composes what window and output have room for. A request that cannot be sent is answered here,
 * in its turn: when all before it are. */
static int fill(struct state *state)
{
    while (state->composed < state->exchange->count && state->composed - state->answered < WINDOW &&
           state->end - state->start < OUTPUT_ENOUGH) {
        int code = compose_call(state, state->composed);
        if (code == 0) {
            state->composed++;
            continue;
        }
        if (state->composed > state->answered)
            return 0;
        state->sent = ++state->composed;
        code = finish(state, code, NULL);
        if (code < 0)
            return code;
    }
    return 0;
}

static size_t count_nuls(const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += bytes[i] == '\0';
    return count;
}

/* Sends what the socket takes. When the agent has closed, its last replies may still wait to be
 * read: the rest of the output is forgotten, and reading finds the end. */
static int send_output(struct state *state)
{
    while (state->start < state->end) {
        const char *bytes = state->output + state->start;
        ssize_t n = varlink_send(state->handle->fd, bytes, state->end - state->start);
        if (n == 0)
            return 0;
        if (n == -EPIPE || n == -ECONNRESET) {
            state->start = state->end;
            return 0;
        }
        if (n < 0) {
            errno = (int)-n;
            return error_set(&state->handle->error, HINTSIGN_UNREACHABLE,
                             "cannot send to the agent: %m");
        }
        state->sent += count_nuls(bytes, (size_t)n);
        state->start += (size_t)n;
    }
    return 0;
}

static int take_reply(struct state *state, const char *message, size_t length)
{
    struct error *error = &state->handle->error;
    if (state->answered == state->sent)
        return error_set(error, HINTSIGN_PROTOCOL, "the agent replied before it was asked");
    json_t *parameters = NULL;
    int code = reply_parse(error, message, length, &parameters);
    if (code != HINTSIGN_PROTOCOL && code != HINTSIGN_NO_MEMORY)
        code = finish(state, code, parameters);
    json_decref(parameters);
    return code;
}

/* Takes all whole replies that were read. */
static int take_replies(struct state *state)
{
    struct hintsign *handle = state->handle;
    while (state->answered < state->exchange->count) {
        char *message;
        size_t length;
        int r = varlink_input_next(&handle->input, &message, &length);
        if (r < 0)
            return error_set(&handle->error, HINTSIGN_PROTOCOL,
                             "the reply is longer than %zu bytes", VARLINK_REPLY_MAX);
        if (r == 0)
            return 0;
        int code = take_reply(state, message, length);
        if (code < 0)
            return code;
    }
    return 0;
}

/* One round: send, take what has arrived, and only if nothing had, wait. */
static int step(struct state *state)
{
    struct hintsign *handle = state->handle;
    size_t answered = state->answered;
    int code = fill(state);
    if (code == 0)
        code = send_output(state);
    if (code == 0)
        code = take_replies(state);
    if (code < 0 || state->answered > answered)
        return code;
    short events = state->start < state->end ? POLLIN | POLLOUT : POLLIN;
    code = connection_wait(handle, events, state->deadline);
    return code < 0 ? code : connection_read(handle);
}

/* The connection died. All requests without an answer are sent again on a new one, unless the
 * last connection brought no answer either. This is safe for every method: none changes anything
 * but the audit log, and a request that the agent had already served only gets a second record
 * and a second token, of which the caller sees one. */
static int resume(struct state *state)
{
    connection_drop(state->handle);
    if (state->lost)
        return error_set(&state->handle->error, HINTSIGN_UNREACHABLE,
                         "the agent closed the connection without an answer, twice");
    state->lost = true;
    state->composed = state->sent = state->answered;
    state->start = state->end = 0;
    return connection_ensure(state->handle, state->deadline);
}

int exchange_add(struct error *error, json_t *parameters, const char *name, const char *text)
{
    if (!text || json_object_set_new(parameters, name, json_string(text)) == 0)
        return 0;
    return error_set(error, HINTSIGN_INVALID, "the %s cannot be written as JSON", name);
}

int exchange_run(struct hintsign *handle, const struct exchange *exchange)
{
    struct state state = {.handle = handle, .exchange = exchange};
    state.deadline = connection_deadline(handle);
    int code = connection_ensure(handle, state.deadline);
    while (code == 0 && state.answered < exchange->count) {
        code = step(&state);
        if (code == CONNECTION_LOST)
            code = resume(&state);
    }
    if (code == 0 && varlink_input_partial(&handle->input))
        code =
            error_set(&handle->error, HINTSIGN_PROTOCOL, "the agent sent more than was asked for");
    if (code < 0)
        connection_drop(handle);
    else
        varlink_input_clear(&handle->input);
    free(state.output);
    return code;
}

struct call {
    json_t *parameters;
    json_t *reply;
    int code;
};

static int compose_one(void *data, size_t index, json_t **ret_parameters)
{
    struct call *call = data;
    (void)index;
    *ret_parameters = json_incref(call->parameters);
    return 0;
}

static int answer_one(void *data, size_t index, int code, const json_t *parameters)
{
    struct call *call = data;
    (void)index;
    call->code = code;
    call->reply = json_incref((json_t *)parameters);
    return 0;
}

int exchange_call(struct hintsign *handle, const char *method, json_t *parameters,
                  json_t **ret_parameters)
{
    struct call call = {.parameters = parameters ? parameters : json_object()};
    struct exchange exchange = {method, 1, compose_one, answer_one, &call};
    int code = exchange_run(handle, &exchange);
    json_decref(call.parameters);
    if (code == 0)
        code = call.code;
    if (code < 0)
        json_decref(call.reply);
    else
        *ret_parameters = call.reply;
    return code;
}
