/* Shows the agent's health, or waits until it is ready. */
#ifndef HINTSIGN_CLI_STATUS_H
#define HINTSIGN_CLI_STATUS_H

#include "client/cli/cli.h"

extern const struct command status_command;

#endif
