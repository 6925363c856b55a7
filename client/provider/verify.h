/* Verification, which is left to whoever holds the public half of our key. */
#ifndef HINTSIGN_PROVIDER_VERIFY_H
#define HINTSIGN_PROVIDER_VERIFY_H

#include "client/provider/signature.h"

/* These are OpenSSL's functions of their names for OSSL_OP_SIGNATURE, with a struct signature as
 * the context. */
int verify_init(void *context, void *keydata, const OSSL_PARAM params[]);
int verify_hash(void *context, const unsigned char *signature, size_t signature_len,
                const unsigned char *hash, size_t length);
int verify_recover_init(void *context, void *keydata, const OSSL_PARAM params[]);
int verify_recover(void *context, unsigned char *ret_data, size_t *ret_length, size_t size,
                   const unsigned char *signature, size_t signature_len);
int verify_digest_init(void *context, const char *digest, void *keydata, const OSSL_PARAM params[]);
int verify_digest_update(void *context, const unsigned char *data, size_t length);
int verify_digest_final(void *context, const unsigned char *signature, size_t signature_len);
int verify_digest(void *context, const unsigned char *signature, size_t signature_len,
                  const unsigned char *data, size_t length);

/* Makes `copy`, which is new, go on where `signature` is. Returns 1 or 0. */
int verify_copy(const struct signature *signature, struct signature *copy);

/* Ends what verification there is. */
void verify_end(struct signature *signature);

#endif
