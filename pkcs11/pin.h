/* Fetches the PIN that a token's URI points to. */
#ifndef HINTSIGN_PKCS11_PIN_H
#define HINTSIGN_PKCS11_PIN_H

#include "pkcs11/error.h"
#include "pkcs11/secret.h"

/* Whether `source` can be a pin-source (RFC 7512 section 2.4): "file:/absolute/path", an absolute
 * path, or "credential:NAME", a file in the folder that the service manager names in
 * $CREDENTIALS_DIRECTORY. Returns 0 or P11_INVALID. */
int pin_check_source(const char *source, struct p11_error *error);

/* Reads the PIN from there. The file must be a regular one, belong to root or to us, and give
 * nobody else access. The caller wipes the PIN right after C_Login.
 * Errors: P11_INVALID, P11_MEMORY. */
int pin_fetch(const char *source, struct secret *ret_pin, struct p11_error *error);

#endif
