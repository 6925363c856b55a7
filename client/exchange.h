/* Requests out and replies in, in the same order, both at the same time. */
#ifndef HINTSIGN_CLIENT_EXCHANGE_H
#define HINTSIGN_CLIENT_EXCHANGE_H

#include "client/connection.h"

#include <jansson.h>

/* Calls of one method, any number. */
struct exchange {
    const char *method; /* "Mint" */
    size_t count;
    /* Gives the parameters of request `index`, which the exchange releases; called again when
     * the request must be sent again. A negative code becomes this request's answer. */
    int (*compose)(void *data, size_t index, json_t **ret_parameters);
    /* Takes the answer to request `index`: a code and, on success, the reply's parameters.
     * Called once for each request, in order. A negative return ends the exchange. */
    int (*answer)(void *data, size_t index, int code, const json_t *parameters);
    void *data;
};

/* Adds a string to a call's parameters, unless `text` is NULL. It is added or this fails: with
 * HINTSIGN_INVALID where the text is not UTF-8, or without memory. (json_pack's "s*" would leave
 * it out without memory, and a call without its profile is another call.) */
int exchange_add(struct error *error, json_t *parameters, const char *name, const char *text);

/* Runs an exchange to its end. Returns 0 when every request was answered; otherwise the
 * conversation broke (HINTSIGN_UNREACHABLE, HINTSIGN_TIMEOUT, HINTSIGN_PROTOCOL,
 * HINTSIGN_NO_MEMORY, or what `answer` returned) and the connection is closed. */
int exchange_run(struct hintsign *handle, const struct exchange *exchange);

/* One call of a method. Takes over `parameters` (NULL: none); *ret_parameters is released by the
 * caller. */
int exchange_call(struct hintsign *handle, const char *method, json_t *parameters,
                  json_t **ret_parameters);

#endif
