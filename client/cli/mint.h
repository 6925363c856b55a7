/* Prints a token, or with --subjects-from one for each of many subjects. */
#ifndef HINTSIGN_CLI_MINT_H
#define HINTSIGN_CLI_MINT_H

#include "client/cli/cli.h"

extern const struct command mint_command;

#endif
