/* mint --subjects-from: one token for each line of a file. */
#ifndef HINTSIGN_CLI_SUBJECTS_H
#define HINTSIGN_CLI_SUBJECTS_H

#include "client/cli/format.h"

#include <jansson.h>

struct subjects_order {
    struct hintsign_request request; /* but for its claims */
    json_t *claims;                  /* what every token gets besides `sub` */
    const char *path;                /* "-": standard input */
    enum format format;
    const char *prefix; /* of format_prepare */
};

/* Prints one line for each line of the file, in order: its token, or an empty line and, on
 * standard error, why. Returns CLI_OK when every line got its token; otherwise that of the first
 * of these that applies: CLI_UNREACHABLE or CLI_AGAIN when the conversation broke, CLI_REFUSED
 * when a subject was refused, CLI_AGAIN when one is worth trying again. */
int subjects_mint(struct hintsign *handle, const struct subjects_order *order);

#endif
