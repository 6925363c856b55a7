/* The context, the keys and the vectors that the tests of agent/jose share. */
#include "config.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct jose *jose_given;
json_t *jose_vectors;

int jose_given_setup(void **state)
{
    (void)state;
    jose_vectors = json_load_file(JOSE_VECTORS, JSON_REJECT_DUPLICATES, NULL);
    return jose_vectors && jose_new(getenv("JOSE_PROPERTIES"), &jose_given) == 0 ? 0 : -1;
}

int jose_given_teardown(void **state)
{
    (void)state;
    json_decref(jose_vectors);
    jose_free(jose_given);
    return 0;
}

const char *jose_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

json_t *jose_vector_jwk(const char *name)
{
    json_t *jwk = json_object_get(json_object_get(jose_vectors, "keys"), name);
    assert_non_null(jwk);
    return jwk;
}

EVP_PKEY *jose_vector_key(const char *name)
{
    EVP_PKEY *key = jose_keys_private(jose_given, jose_vector_jwk(name));
    assert_non_null(key);
    return key;
}

json_t *jose_json(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(copy, 0, NULL);
    if (!json)
        fail_msg("not JSON: %s", copy);
    free(copy);
    return json;
}
