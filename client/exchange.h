/* Requests out and replies in, in the same order, both at the same time. */
#ifndef HINTSIGN_CLIENT_EXCHANGE_H
#define HINTSIGN_CLIENT_EXCHANGE_H

#include "client/connection.h"
#include "client/json_value.h"

/* Calls of one method, any number. */
struct exchange {
    const char *method; /* "Mint" */
    size_t count;
    /* Writes the parameters of request `index` with exchange_add and exchange_add_json; called
     * again when the request must be sent again. A negative code becomes this request's answer. */
    int (*compose)(void *data, size_t index, struct text *call);
    /* Takes the answer to request `index`: a code and, on success, the reply's parameters, valid
     * until it returns. Called once for each request, in order. A negative return ends the
     * exchange. */
    int (*answer)(void *data, size_t index, int code, const struct json_value *parameters);
    void *data;
};

/* Adds a string to a call's parameters, unless `value` is NULL. Fails with HINTSIGN_INVALID where
 * it is not UTF-8. */
int exchange_add(struct error *error, struct text *call, const char *name, const char *value);

/* The same with a value that is JSON text already. */
void exchange_add_json(struct text *call, const char *name, const char *json);

/* Runs an exchange to its end. Returns 0 when every request was answered; otherwise the
 * conversation broke (HINTSIGN_UNREACHABLE, HINTSIGN_TIMEOUT, HINTSIGN_PROTOCOL,
 * HINTSIGN_NO_MEMORY, or what `answer` returned) and the connection is closed. */
int exchange_run(struct hintsign *handle, const struct exchange *exchange);

/* One call of a method, whose parameters `compose` writes (NULL: none), and whose reply `answer`
 * takes; both get `data`. Returns what came of it, `answer`'s code included. */
int exchange_call(struct hintsign *handle, const char *method,
                  int (*compose)(void *data, struct text *call),
                  int (*answer)(void *data, const struct json_value *parameters), void *data);

#endif
