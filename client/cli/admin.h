/* The agent's admin socket, as the commands unlock, lock, reload and mint --next use it. */
#ifndef HINTSIGN_CLI_ADMIN_H
#define HINTSIGN_CLI_ADMIN_H

#include "client/cli/cli.h"
#include "client/cli/pin.h"

#include <jansson.h>

/* Calls a method of io.hintsign.Admin, once: whoever lost the answer does not know whether a PIN
 * was tried, and must not try it again. `parameters` is an object. The PIN is one of them, but
 * where it is NULL; it is wiped before the reply is waited for. *ret_parameters is the reply's; the
 * caller releases it. Returns CLI_OK, or prints why not. */
int admin_call(const struct cli *cli, const char *method, const json_t *parameters, struct pin *pin,
               json_t **ret_parameters);

#endif
