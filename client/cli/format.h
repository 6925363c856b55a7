/* How mint prints a token: --format token|json|form. */
#ifndef HINTSIGN_CLI_FORMAT_H
#define HINTSIGN_CLI_FORMAT_H

#include "client/cli/cli.h"

enum format { FORMAT_TOKEN, FORMAT_JSON, FORMAT_FORM };

/* Returns CLI_OK, or prints why not and returns CLI_USAGE. */
int format_parse(const struct cli *cli, const char *name, enum format *ret_format);

/* Asks the agent which form the profile's tokens are sent in, where the format depends on it:
 * *ret_prefix is what format_print wants. Returns CLI_OK, or prints why not. */
int format_prepare(struct hintsign *handle, enum format format, const char *profile,
                   const char **ret_prefix);

/* The same where the profile's kind is known. */
const char *format_prefix(enum format format, const char *kind);

/* Prints one line on standard output. */
void format_print(enum format format, const char *prefix, const struct hintsign_token *token);

#endif
