/* A signature that is being made or verified. */
#ifndef HINTSIGN_PROVIDER_SIGNATURE_H
#define HINTSIGN_PROVIDER_SIGNATURE_H

#include "client/provider/key.h"

#include <openssl/evp.h>

/* What OpenSSL has us do, step by step, until its context is freed. */
struct signature {
    struct provider *provider;
    struct key *key;
    /* To sign: */
    bool pss;
    int salt;         /* bytes, or one of RSA_PSS_SALTLEN_... */
    EVP_MD *digest;   /* NULL: not told yet, or none */
    EVP_MD *mgf1;     /* NULL: the same */
    EVP_MD_CTX *hash; /* of the data so far, or NULL */
    /* To verify, in the hands of another provider: */
    EVP_MD_CTX *data_verifier;
    EVP_PKEY_CTX *verifier; /* of data_verifier, or, where that is NULL, its own */
};

#endif
