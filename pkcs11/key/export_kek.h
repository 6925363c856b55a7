/* hintsign-key export-kek: the public half of a pair that unwraps. */
#ifndef HINTSIGN_KEY_EXPORT_KEK_H
#define HINTSIGN_KEY_EXPORT_KEK_H

#include "pkcs11/error.h"

struct options;

int export_kek_run(const struct options *options, struct p11_error *error);

#endif
