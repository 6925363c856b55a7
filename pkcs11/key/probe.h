/* hintsign-key probe: what a token can do for the agent, found out by doing it. */
#ifndef HINTSIGN_KEY_PROBE_H
#define HINTSIGN_KEY_PROBE_H

#include "pkcs11/error.h"

struct options;

int probe_run(const struct options *options, struct p11_error *error);

#endif
