/* hintsign-key kcv, and the check values that other commands show. */
#ifndef HINTSIGN_KEY_KCV_H
#define HINTSIGN_KEY_KCV_H

#include "pkcs11/key/options.h"
#include "pkcs11/secret.h"
#include "pkcs11/token.h"

#define KCV_BYTES 3  /* of a key's known answer: never more of it is shown */
#define KCV_MAX   16 /* of "HS256:" and two digits a byte, with the NUL */

/* See struct command. */
int kcv_run(const struct options *options, struct p11_error *error);

/* The check value of an HMAC key that is used with `mech`, as "HS256:4bf512".
 * Errors: P11_FAILED. */
int kcv_of_key(const struct secret *key, const struct mech *mech, char ret_kcv[static KCV_MAX],
               struct p11_error *error);

/* The same of a key on a token that is logged in; where the key serves another hash alone, with
 * that. "" where there is none: the object is no HMAC key, or it does not sign. */
void kcv_of_object(const struct token *token, const struct object *object, const struct mech *mech,
                   char ret_kcv[static KCV_MAX]);

#endif
