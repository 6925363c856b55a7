/* Trials of a token, with objects that vanish with the session. */
#ifndef HINTSIGN_KEY_TRIAL_H
#define HINTSIGN_KEY_TRIAL_H

#include "pkcs11/key/report.h"

/* Where trials are done: a token that is open and logged in, perhaps for reading alone. */
struct trial {
    struct token *token;
    OSSL_LIB_CTX *library; /* of our own: modules use the default one */
    const struct crypto *crypto;
    struct report *report;
};

/* Microseconds, for how long things take. */
double trial_now_us(void);

/* Creates secret keys and signs with each HMAC algorithm. */
void trial_hmac(const struct trial *trial);

/* Generates keys of each type, and signs with each algorithm that they serve. Every signature is
 * verified. */
void trial_generate(const struct trial *trial);

/* Unwraps secret keys in each way that hintsign-key import knows. */
void trial_unwrap(const struct trial *trial);

/* Opens sessions, as many as an agent may want. */
void trial_sessions(const struct trial *trial);

#endif
