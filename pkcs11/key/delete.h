/* hintsign-key delete: both halves of a key, after a question. */
#ifndef HINTSIGN_KEY_DELETE_H
#define HINTSIGN_KEY_DELETE_H

#include "pkcs11/error.h"

struct options;

int delete_run(const struct options *options, struct p11_error *error);

#endif
