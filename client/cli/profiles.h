/* Lists the profiles that the caller may use. */
#ifndef HINTSIGN_CLI_PROFILES_H
#define HINTSIGN_CLI_PROFILES_H

#include "client/cli/cli.h"

extern const struct command profiles_command;

#endif
