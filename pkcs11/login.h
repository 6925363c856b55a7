/* Logging in to a token: whose PIN is tried, and when none is. */
#ifndef HINTSIGN_PKCS11_LOGIN_H
#define HINTSIGN_PKCS11_LOGIN_H

#include "pkcs11/token.h"

/* Who enters a PIN at the device may take so long. The device gives up before: a call that is still
 * inside then hangs like any other. */
#define LOGIN_PERSON_MS 300000

/* Logs in on the token's anchor session, unless it needs no login. A wrong PIN is never tried
 * twice, and none is tried by itself while the token counts a failure: only token->unlocking, an
 * administrator's own wish, goes beyond that, and once.
 * Errors: P11_LOCKED, P11_UNAVAILABLE, P11_INVALID (the PIN file). */
int login_run(struct token *token, struct p11_error *error);

/* What the token says of its PIN after failures, in words; NULL where it counts none. */
const char *login_warning(CK_FLAGS flags);

#endif
