/* Prints or writes the JWK Set that a discovery service publishes. */
#ifndef HINTSIGN_CLI_JWKS_H
#define HINTSIGN_CLI_JWKS_H

#include "client/cli/cli.h"

extern const struct command jwks_command;

#endif
