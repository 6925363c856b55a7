/* Whether an object on a token may serve a key: by its type, its protection, and a known answer. */
#ifndef HINTSIGN_PKCS11_EXAMINE_H
#define HINTSIGN_PKCS11_EXAMINE_H

#include "pkcs11/key.h"

/* What every key signs when it is looked at. A JWT's signing input has neither blanks nor line
 * ends: this can never be one. */
#define EXAMINE_QUESTION "hintsign: known answer\n"

/* What was found out about a key on one token. Free with finding_clear. */
struct finding {
    bool usable;
    char reason[KEY_REASON_MAX];              /* why not; to be shown to people */
    const struct object *object;              /* borrowed from the token's index */
    bool prehashed;                           /* the token signs hashes, not data */
    EVP_PKEY *public_key;                     /* of a private key */
    unsigned char identity[KEY_IDENTITY_MAX]; /* tells the key from all others */
    bool wrong_answer;                        /* it has signed, but not what this key signs */
    bool may_change;                          /* an unusable key: another try may find it usable */
    struct p11_error failure; /* of an unusable key: may be the token's, where .code is set */
};

/* Looks for the key on the home's token by its index and tries it. An unfit key is no error.
 * Errors: P11_UNAVAILABLE (the token failed meanwhile). */
int examine_key(const struct keyring *keyring, const struct key *key, const struct key_home *home,
                struct finding *ret_finding, struct p11_error *error);

void finding_clear(struct finding *finding);

#endif
