/* A wrapped key enters a token, which alone takes it out of its wrapping. */
#ifndef HINTSIGN_KEY_UNWRAP_H
#define HINTSIGN_KEY_UNWRAP_H

#include "pkcs11/key/newkey.h"
#include "pkcs11/key/wrapped.h"

/* The one private key of a token that the URI (as for key_check_uri) names: RSA, protected, and
 * able to do nothing but unwrap. Errors: P11_INVALID, P11_KEY, P11_MEMORY, with the token's name.
 */
int unwrap_find(const struct token *token, const char *uri, struct object *ret_kek,
                struct p11_error *error);

/* Refuses a file that is wrapped for another key than `kek`. Errors: P11_KEY, P11_UNAVAILABLE. */
int unwrap_check(const struct token *token, const struct object *kek, const struct wrapped *wrapped,
                 struct p11_error *error);

/* Unwraps into a new key with this name. Errors: those of newkey_unwrap. */
int unwrap_run(struct token *token, const struct newkey_name *name, const struct object *kek,
               const struct wrapped *wrapped, struct newkey *ret_newkey, struct p11_error *error);

#endif
