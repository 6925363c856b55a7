/* One reply of the agent, taken apart. */
#ifndef HINTSIGN_CLIENT_REPLY_H
#define HINTSIGN_CLIENT_REPLY_H

#include "client/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes apart one message. On success *ret_parameters is the reply's parameters, an object that
 * the caller releases with json_decref. Fails with HINTSIGN_REFUSED or HINTSIGN_UNAVAILABLE where
 * the agent replied an error, HINTSIGN_PROTOCOL where the message is no reply, and
 * HINTSIGN_NO_MEMORY. */
int reply_parse(struct error *error, const char *message, size_t length, json_t **ret_parameters);

/* Read one member of a reply's parameters. A member that is not required and absent or null gives
 * NULL or 0. *ret_text lives as long as `parameters`. They fail with HINTSIGN_PROTOCOL. */
int reply_string(struct error *error, const json_t *parameters, const char *member, bool required,
                 const char **ret_text);
int reply_integer(struct error *error, const json_t *parameters, const char *member, bool required,
                  int64_t *ret_integer);

/* Writes an object of a reply as JSON text, which the caller frees. Fails with
 * HINTSIGN_NO_MEMORY. */
int reply_text(struct error *error, const json_t *object, char **ret_text);

#endif
