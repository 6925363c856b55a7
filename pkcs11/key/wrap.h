/* hintsign-key wrap: a client secret becomes a file that one token alone can read. */
#ifndef HINTSIGN_KEY_WRAP_H
#define HINTSIGN_KEY_WRAP_H

#include "pkcs11/error.h"

struct options;

int wrap_run(const struct options *options, struct p11_error *error);

#endif
