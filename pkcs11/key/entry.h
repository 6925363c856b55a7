/* How a client secret comes into the process. */
#ifndef HINTSIGN_KEY_ENTRY_H
#define HINTSIGN_KEY_ENTRY_H

#include "pkcs11/error.h"
#include "pkcs11/secret.h"

/* Reads a secret from `file`; where that is NULL, from the terminal (twice, without echo) if
 * standard input is one, otherwise from standard input to its end. One final newline is dropped.
 * `label` is for the question, and may be NULL. Errors: P11_INVALID. */
int entry_read(const char *file, const char *label, struct secret *ret_secret,
               struct p11_error *error);

#endif
