/* How a client secret comes into the process, and becomes a key. */
#ifndef HINTSIGN_KEY_ENTRY_H
#define HINTSIGN_KEY_ENTRY_H

#include "pkcs11/error.h"
#include "pkcs11/key/options.h"
#include "pkcs11/secret.h"

/* Reads a secret from options->secret_file; where that is NULL, from the terminal (twice, without
 * echo) if standard input is one, otherwise from standard input to its end. One final newline is
 * dropped. The bytes of the HMAC key are made of it as the options say (hmac_key_make). Errors:
 * P11_INVALID, P11_MEMORY, P11_FAILED. */
int entry_key(const struct options *options, struct secret *ret_key, struct p11_error *error);

#endif
