/* hintsign-key generate: a key that is made on the token and never leaves it. */
#ifndef HINTSIGN_KEY_GENERATE_H
#define HINTSIGN_KEY_GENERATE_H

#include "pkcs11/error.h"

struct options;

int generate_run(const struct options *options, struct p11_error *error);

#endif
