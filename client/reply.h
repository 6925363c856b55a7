/* One reply of the agent, taken apart. */
#ifndef HINTSIGN_CLIENT_REPLY_H
#define HINTSIGN_CLIENT_REPLY_H

#include "client/error.h"
#include "client/json_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_VALUES_MAX ((size_t)1 << 20) /* of JSON in a reply: 48 MiB, and nobody needs more */

/* Room for the values of a reply, used again for the next. Zero-initialise; free with reply_free.
 */
struct reply {
    struct json_value *values;
    size_t size;
};

void reply_free(struct reply *reply);

/* Takes apart one message, whose bytes are changed. On success *ret_parameters is the reply's
 * parameters, an object in `reply` and the message. Fails with HINTSIGN_REFUSED or
 * HINTSIGN_UNAVAILABLE where the agent replied an error, HINTSIGN_PROTOCOL where the message is no
 * reply or has more than REPLY_VALUES_MAX values, and HINTSIGN_NO_MEMORY. */
int reply_parse(struct error *error, struct reply *reply, char *message, size_t length,
                const struct json_value **ret_parameters);

/* Read one member of a reply's parameters. A member that is not required and absent or null gives
 * NULL or 0. *ret_text lives as long as the reply. They fail with HINTSIGN_PROTOCOL. */
int reply_string(struct error *error, const struct json_value *parameters, const char *member,
                 bool required, const char **ret_text);
int reply_integer(struct error *error, const struct json_value *parameters, const char *member,
                  bool required, int64_t *ret_integer);

/* Writes a value of a reply as JSON text, which the caller frees. Fails with
 * HINTSIGN_NO_MEMORY. */
int reply_text(struct error *error, const struct json_value *value, char **ret_text);

#endif
