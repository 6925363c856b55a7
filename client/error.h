/* Why a call failed: kept in the handle, shown by hintsign_last_error(). */
#ifndef HINTSIGN_CLIENT_ERROR_H
#define HINTSIGN_CLIENT_ERROR_H

#include "client/hintsign.h"
#include "client/json_value.h"

/* Longer names and sentences are cut. */
#define ERROR_NAME_SIZE    64
#define ERROR_MESSAGE_SIZE 512

struct error {
    struct hintsign_error shown; /* its pointers lead to the members below */
    char name[ERROR_NAME_SIZE];
    char message[ERROR_MESSAGE_SIZE];
};

/* Records a failure that the library found itself. Returns `code`. */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns HINTSIGN_NO_MEMORY. */
int error_set_memory(struct error *error);

/* Records an error that the agent replied: `name` as on the wire ("io.hintsign.Agent.NotAllowed"),
 * `parameters` its parameters or NULL. Returns HINTSIGN_REFUSED or HINTSIGN_UNAVAILABLE, or
 * HINTSIGN_PROTOCOL where a parameter is not what the interface says. */
int error_set_reply(struct error *error, const char *name, const struct json_value *parameters);

#endif
