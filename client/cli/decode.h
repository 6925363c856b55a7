/* Shows what is in a token, verifying nothing. */
#ifndef HINTSIGN_CLI_DECODE_H
#define HINTSIGN_CLI_DECODE_H

#include "client/cli/cli.h"

extern const struct command decode_command;

#endif
