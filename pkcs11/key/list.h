/* hintsign-key list: the keys of tokens, one a line. */
#ifndef HINTSIGN_KEY_LIST_H
#define HINTSIGN_KEY_LIST_H

#include "pkcs11/error.h"

struct options;

int list_run(const struct options *options, struct p11_error *error);

#endif
