/* Sets of public keys (RFC 7517 section 5), and which of them a token is encrypted to. */
#ifndef HINTSIGN_JOSE_JWKS_H
#define HINTSIGN_JOSE_JWKS_H

#include "agent/jose/alg.h"
#include "agent/jose/jwk.h"

#define JWKS_KEYS_MAX 64

/* One element of "keys". */
struct jwks_key {
    struct jwk jwk;      /* of a skipped key the kid at most */
    const char *skipped; /* why it serves nobody, a fixed phrase; NULL: it does */
};

struct jwks {
    size_t count;
    struct jwks_key keys[]; /* in the order of the file */
};

/* Takes a set key by key. A key that we do not understand or trust is skipped, with the reason.
 * The whole set is refused when it is no set, has more than JWKS_KEYS_MAX keys, names a kid twice
 * or shows a private or secret key: whoever made it did not know what he was doing.
 * Free with jwks_free. Errors: JOSE_INVALID, JOSE_PRIVATE, JOSE_MEMORY; *error is a fixed phrase
 * then. */
int jwks_parse(const struct jose *jose, const json_t *json, struct jwks **ret_jwks,
               const char **error);

/* NULL is allowed. */
void jwks_free(struct jwks *jwks);

/* Chooses the key to encrypt to: for the first of `algs` (in order of preference) that some key
 * fits, the first such key of the set. A key must say use "enc"; where `without_use` is set and no
 * such key fits, those that say nothing have their turn. key_ops, where given, must agree, and alg,
 * where given, binds. *ret_key is borrowed from the set.
 * Errors: JOSE_MISMATCH; *error then is a fixed phrase that says what the set lacks. */
int jwks_choose(const struct jwks *jwks, const struct alg *const *algs, size_t alg_count,
                bool without_use, const struct jwk **ret_key, const struct alg **ret_alg,
                const char **error);

#endif
