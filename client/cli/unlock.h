/* hintsign unlock, lock, reload: see hintsign(1). */
#ifndef HINTSIGN_CLI_UNLOCK_H
#define HINTSIGN_CLI_UNLOCK_H

#include "client/cli/cli.h"

extern const struct command unlock_command;
extern const struct command lock_command;
extern const struct command reload_command;

#endif
