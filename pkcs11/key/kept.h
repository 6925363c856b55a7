/* Keys that a token keeps, tried for what is not known otherwise. */
#ifndef HINTSIGN_KEY_KEPT_H
#define HINTSIGN_KEY_KEPT_H

#include "pkcs11/key/trial.h"

/* For algorithms of which the report says nothing yet, as the token has no keys that vanish: signs
 * with the keys that are there, what the agent has them sign when it starts. */
void kept_try(const struct trial *trial);

#endif
