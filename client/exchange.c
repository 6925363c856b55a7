/* Requests out and replies in, in the same order: keeps a bounded window of requests in flight,
 * sends and receives at the same time, and begins again where the connection died. */
#include "config.h"
#include "client/exchange.h"

#include "client/reply.h"
#include "client/utf8.h"

#include <errno.h>
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
    struct text output;
    size_t start; /* first byte of the output that is not sent */
    struct reply reply;
    int64_t deadline; /* of the next answer */
    bool lost;        /* the connection died since the last answer */
};

/* Puts one call, its NUL included, behind the bytes that wait to be sent. */
static int compose_call(struct state *state, size_t index)
{
    const struct exchange *exchange = state->exchange;
    struct error *error = &state->handle->error;
    struct text *output = &state->output;
    size_t start = output->length;
    text_put(output, "{\"method\":\"" VARLINK_INTERFACE ".");
    text_put(output, exchange->method);
    text_put(output, "\",\"parameters\":{");
    int code = exchange->compose(exchange->data, index, output);
    text_add(output, "}}", 3); /* with its NUL */
    if (code == 0 && output->failed)
        code = error_set_memory(error);
    if (code == 0 && output->length - start > VARLINK_REQUEST_MAX)
        code = error_set(error, HINTSIGN_INVALID, "the request is longer than %zu bytes",
                         VARLINK_REQUEST_MAX);
    if (code < 0) {
        output->length = start;
        output->failed = false;
    }
    return code;
}

static int finish(struct state *state, int code, const struct json_value *parameters)
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
           state->output.length - state->start < OUTPUT_ENOUGH) {
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
    const char *end = bytes + length;
    size_t count = 0;
    while ((bytes = memchr(bytes, '\0', (size_t)(end - bytes)))) {
        bytes++;
        count++;
    }
    return count;
}

/* Sends what the socket takes. When the agent has closed, its last replies may still wait to be
 * read: the rest of the output is forgotten, and reading finds the end. */
static int send_output(struct state *state)
{
    struct text *output = &state->output;
    while (state->start < output->length) {
        const char *bytes = output->data + state->start;
        ssize_t n = varlink_send(state->handle->fd, bytes, output->length - state->start);
        if (n == 0)
            return 0;
        if (n == -EPIPE || n == -ECONNRESET)
            break;
        if (n < 0) {
            errno = (int)-n;
            return error_set(&state->handle->error, HINTSIGN_UNREACHABLE,
                             "cannot send to the agent: %m");
        }
        state->sent += count_nuls(bytes, (size_t)n);
        state->start += (size_t)n;
    }
    text_clear(output);
    state->start = 0;
    return 0;
}

static int take_reply(struct state *state, char *message, size_t length)
{
    struct error *error = &state->handle->error;
    if (state->answered == state->sent)
        return error_set(error, HINTSIGN_PROTOCOL, "the agent replied before it was asked");
    const struct json_value *parameters = NULL;
    int code = reply_parse(error, &state->reply, message, length, &parameters);
    if (code != HINTSIGN_PROTOCOL && code != HINTSIGN_NO_MEMORY)
        code = finish(state, code, parameters);
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
    return connection_read(handle, state->output.length > 0, state->deadline);
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
    text_clear(&state->output);
    state->start = 0;
    return connection_ensure(state->handle, state->deadline);
}

static bool is_utf8(const char *text, size_t length)
{
    for (size_t i = 0, n; i < length; i += n) {
        n = (unsigned char)text[i] < 0x80 ? 1 : utf8_length(text + i, length - i);
        if (n == 0)
            return false;
    }
    return true;
}

static void put_name(struct text *call, const char *name)
{
    bool first = call->length > 0 && call->data[call->length - 1] == '{';
    text_put(call, first ? "\"" : ",\"");
    text_put(call, name);
    text_put(call, "\":");
}

int exchange_add(struct error *error, struct text *call, const char *name, const char *value)
{
    size_t length = value ? strlen(value) : 0;
    if (!value)
        return 0;
    if (!is_utf8(value, length))
        return error_set(error, HINTSIGN_INVALID, "the %s cannot be written as JSON", name);
    put_name(call, name);
    text_string(call, value, length);
    return 0;
}

void exchange_add_json(struct text *call, const char *name, const char *json)
{
    put_name(call, name);
    text_put(call, json);
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
    text_free(&state.output);
    reply_free(&state.reply);
    return code;
}

struct call {
    int (*compose)(void *data, struct text *call);
    int (*answer)(void *data, const struct json_value *parameters);
    void *data;
    int code;
};

static int compose_one(void *data, size_t index, struct text *text)
{
    const struct call *call = data;
    (void)index;
    return call->compose ? call->compose(call->data, text) : 0;
}

static int answer_one(void *data, size_t index, int code, const struct json_value *parameters)
{
    struct call *call = data;
    (void)index;
    call->code = code == 0 ? call->answer(call->data, parameters) : code;
    return 0;
}

int exchange_call(struct hintsign *handle, const char *method,
                  int (*compose)(void *data, struct text *call),
                  int (*answer)(void *data, const struct json_value *parameters), void *data)
{
    struct call call = {compose, answer, data, 0};
    struct exchange exchange = {method, 1, compose_one, answer_one, &call};
    int code = exchange_run(handle, &exchange);
    return code < 0 ? code : call.code;
}
