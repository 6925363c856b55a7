/* What the tests of agent/jose take as given: a context, keys, and the vectors of the RFCs. */
#ifndef HINTSIGN_TESTS_JOSE_GIVEN_H
#define HINTSIGN_TESTS_JOSE_GIVEN_H

#include "tests/unit/jose_keys.h"

/* cmocka's group setup and teardown: the context and the vectors below. JOSE_PROPERTIES in the
 * environment is the context's property query, to try "fips=yes". */
int jose_given_setup(void **state);
int jose_given_teardown(void **state);

extern struct jose *jose_given;
extern json_t *jose_vectors; /* tests/unit/jose_vectors.json */

/* A string member. */
const char *jose_text(const json_t *object, const char *name);

/* A key of the vectors: its JWK (borrowed), and itself. */
json_t *jose_vector_jwk(const char *name);
EVP_PKEY *jose_vector_key(const char *name);

/* JSON in which ' stands for ". */
json_t *jose_json(const char *text);

#endif
