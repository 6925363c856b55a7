/* hintsign-key import: the same client secret into every token named, or into none. */
#ifndef HINTSIGN_KEY_IMPORT_H
#define HINTSIGN_KEY_IMPORT_H

#include "pkcs11/error.h"

struct options;

int import_run(const struct options *options, struct p11_error *error);

#endif
