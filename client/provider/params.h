/* What is set and asked of a signature: digest, padding, salt. */
#ifndef HINTSIGN_PROVIDER_PARAMS_H
#define HINTSIGN_PROVIDER_PARAMS_H

#include "client/provider/signature.h"

/* OpenSSL's functions for OSSL_OP_SIGNATURE, with a struct signature as the context. A signature
 * that is verified is another provider's, and so are its parameters. */
int params_set(void *context, const OSSL_PARAM params[]);
const OSSL_PARAM *params_settable(void *context, void *provctx);
int params_get(void *context, OSSL_PARAM params[]);
const OSSL_PARAM *params_gettable(void *context, void *provctx);

/* Sets the digest that data are hashed with; NULL or "": the one that is usual for the key.
 * Returns 1, or 0 with the reason in the error queue. */
int params_set_digest(struct signature *signature, const char *name);

/* The algorithm that the agent is asked for, or NULL, with the reason in the error queue: what was
 * set is nothing that it has. Where no digest was set, that of an EC key is told by `length`. */
const struct algorithm *params_algorithm(const struct signature *signature, size_t length);

#endif
