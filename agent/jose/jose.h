/* What all of this folder shares: the OpenSSL context of our own, and the error codes. */
#ifndef HINTSIGN_JOSE_JOSE_H
#define HINTSIGN_JOSE_JOSE_H

#include <openssl/evp.h>

/* Returned, negative, by the functions of this folder; 0 is success. */
enum jose_code {
    JOSE_MEMORY = -1,
    JOSE_INVALID = -2,     /* not of the form that the specification asks for */
    JOSE_UNSUPPORTED = -3, /* a type or an algorithm that we do not know, or do not take */
    JOSE_PRIVATE = -4,     /* a private key where a public one is wanted */
    JOSE_MISMATCH = -5,    /* key and algorithm do not fit */
    JOSE_REFUSED = -6,     /* the signature is wrong, or the token cannot be decrypted */
    JOSE_OPENSSL = -7,     /* OpenSSL failed where it should not */
};

enum jose_digest {
    JOSE_SHA1, /* of RSA-OAEP alone */
    JOSE_SHA256,
    JOSE_SHA384,
    JOSE_SHA512,
    JOSE_DIGESTS
};

enum jose_cipher {
    JOSE_AES128_GCM,
    JOSE_AES256_GCM,
    JOSE_AES128_CBC,
    JOSE_AES256_CBC,
    JOSE_AES128_WRAP,
    JOSE_AES256_WRAP,
    JOSE_CIPHERS
};

/* An OpenSSL library context and all that was fetched into it, once. The default context is left
 * to others: PKCS #11 modules of the same process use it. Nothing here changes after jose_new, so
 * any number of threads may use it at the same time. */
struct jose {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *providers[2];
    EVP_MD *digests[JOSE_DIGESTS];
    EVP_CIPHER *ciphers[JOSE_CIPHERS];
    EVP_KDF *sskdf;
    EVP_MAC *hmac;
};

/* `properties` is an OpenSSL property query for all algorithms, such as "fips=yes", or NULL. The
 * context has OpenSSL's own providers alone, "fips" and "base" where the query asks for FIPS and
 * "default" elsewhere. openssl.cnf and OPENSSL_CONF are not read; of FIPS, fipsmodule.cnf beside
 * openssl.cnf is, without which OpenSSL's module does not start. Free with jose_free.
 * Errors: JOSE_INVALID (the query), JOSE_UNSUPPORTED (no such provider or algorithm),
 * JOSE_MEMORY. */
int jose_new(const char *properties, struct jose **ret_jose);

/* Everything made with it must be gone. NULL is allowed. */
void jose_free(struct jose *jose);

/* OpenSSL's name of a digest. */
const char *jose_digest_name(enum jose_digest digest);

/* Drops what OpenSSL has put into the thread's error queue. Returns `code`. */
int jose_failed(int code);

#endif
