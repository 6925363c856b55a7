/* What the provider offers to OpenSSL, one table an operation. */
#ifndef HINTSIGN_PROVIDER_OPERATIONS_H
#define HINTSIGN_PROVIDER_OPERATIONS_H

#include <openssl/core.h>

extern const OSSL_ALGORITHM store_algorithms[];
extern const OSSL_ALGORITHM keymgmt_algorithms[];
extern const OSSL_ALGORITHM signature_algorithms[];
extern const OSSL_ALGORITHM encoder_algorithms[];

#endif
