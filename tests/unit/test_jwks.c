/* Tests of sets of keys, and of the choice of the one to encrypt to. */
#include "config.h"
#include "agent/jose/jwks.h"
#include "agent/jose/jwk_write.h"
#include "tests/unit/jose_given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Keys that the sets below name by letter; the members behind them are a test's own. */
static json_t *rsa, *p256, *x25519, *ed25519;

static json_t *generate(const char *type)
{
    EVP_PKEY *key = jose_keys_generate(jose_given, type);
    char *text;
    size_t length;
    assert_int_equal(jwk_write(key, NULL, NULL, NULL, &text, &length), 0);
    json_t *json = json_loads(text, 0, NULL);
    EVP_PKEY_free(key);
    free(text);
    return json;
}

static int setup(void **state)
{
    if (jose_given_setup(state) < 0)
        return -1;
    rsa = generate("RSA");
    p256 = generate("P-256");
    x25519 = generate("X25519");
    ed25519 = generate("Ed25519");
    return 0;
}

static int teardown(void **state)
{
    json_decref(rsa);
    json_decref(p256);
    json_decref(x25519);
    json_decref(ed25519);
    return jose_given_teardown(state);
}

/* Adds a key with further members to a set. */
static void add(json_t *set, const json_t *key, const char *members)
{
    json_t *jwk = json_copy((json_t *)key), *more = jose_json(members);
    json_object_update(jwk, more);
    json_array_append_new(json_object_get(set, "keys"), jwk);
    json_decref(more);
}

static json_t *new_set(void)
{
    return jose_json("{'keys':[]}");
}

/* Parses the set and gives it back. */
static struct jwks *parse(json_t *set)
{
    struct jwks *jwks = NULL;
    const char *error = NULL;
    if (jwks_parse(jose_given, set, &jwks, &error) < 0)
        fail_msg("%s", error);
    json_decref(set);
    return jwks;
}

static void assert_refused(json_t *set, int wanted)
{
    struct jwks *jwks = NULL;
    const char *error = NULL;
    assert_int_equal(jwks_parse(jose_given, set, &jwks, &error), wanted);
    assert_non_null(error);
    assert_null(jwks);
    json_decref(set);
}

static void keys_are_skipped_with_a_reason(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'a'}");
    add(set, p256, "{'kid':'b','crv':'P-999'}");
    add(set, p256, "{'kid':'c','y':'AA'}");
    add(set, p256, "{'kid':7}");
    json_array_append_new(json_object_get(set, "keys"), json_string("key"));
    add(set, x25519, "{}");
    struct jwks *jwks = parse(set);
    static const bool skipped[] = {false, true, true, true, true, false};
    assert_int_equal(jwks->count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(jwks->keys[i].skipped != NULL, skipped[i]);
        assert_int_equal(jwks->keys[i].jwk.key == NULL, skipped[i]);
    }
    assert_string_equal(jwks->keys[0].jwk.kid, "a");
    assert_string_equal(jwks->keys[1].jwk.kid, "b");
    assert_string_equal(jwks->keys[2].jwk.kid, "c");
    assert_null(jwks->keys[3].jwk.kid);
    jwks_free(jwks);
    jwks_free(NULL);
}

static void what_is_no_set(void **state)
{
    (void)state;
    assert_refused(jose_json("[]"), JOSE_INVALID);
    assert_refused(jose_json("{}"), JOSE_INVALID);
    assert_refused(jose_json("{'keys':{}}"), JOSE_INVALID);
    assert_refused(json_copy(rsa), JOSE_INVALID);
}

static void sets_of_any_size_but_too_large(void **state)
{
    json_t *set = new_set();
    struct jwks *jwks = parse(json_incref(set));
    (void)state;
    assert_int_equal(jwks->count, 0);
    jwks_free(jwks);
    for (size_t i = 0; i < JWKS_KEYS_MAX; i++)
        add(set, ed25519, "{}");
    jwks = parse(json_incref(set));
    assert_int_equal(jwks->count, JWKS_KEYS_MAX);
    jwks_free(jwks);
    add(set, ed25519, "{}");
    assert_refused(set, JOSE_INVALID);
}

static void a_kid_stands_once(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'a'}");
    add(set, p256, "{'kid':'b'}");
    add(set, x25519, "{'kid':'a'}");
    assert_refused(set, JOSE_INVALID);

    /* A skipped key counts. */
    set = new_set();
    add(set, p256, "{'kid':'a','kty':'other'}");
    add(set, p256, "{'kid':'a'}");
    assert_refused(set, JOSE_INVALID);
}

static void a_private_key_in_it(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'a','use':'enc'}");
    add(set, p256, "{'kid':'b','use':'sig','d':'AA'}");
    assert_refused(set, JOSE_PRIVATE);
}

/* The kid of the key that is chosen from the set, or the reason why none is. */
static const char *choose(json_t *set, const char *first, const char *second, bool without_use,
                          const char *wanted_alg)
{
    static char result[256];
    const struct alg *algs[] = {alg_find(first), second ? alg_find(second) : NULL};
    const struct jwk *key = NULL;
    const struct alg *alg = NULL;
    const char *error = NULL;
    struct jwks *jwks = parse(json_incref(set));
    int r = jwks_choose(jwks, algs, second ? 2 : 1, without_use, &key, &alg, &error);
    assert_int_equal(r, wanted_alg ? 0 : JOSE_MISMATCH);
    if (wanted_alg)
        assert_string_equal(alg->name, wanted_alg);
    strcpy(result, r == 0 ? key->kid : error);
    jwks_free(jwks);
    return result;
}

static void preference_comes_before_place(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, ed25519, "{'kid':'sign','use':'sig'}");
    add(set, p256, "{'kid':'ec','use':'enc'}");
    add(set, rsa, "{'kid':'rsa','use':'enc'}");
    add(set, rsa, "{'kid':'rsa2','use':'enc'}");
    add(set, x25519, "{'kid':'x','use':'enc'}");
    assert_string_equal(choose(set, "RSA-OAEP-256", "ECDH-ES", false, "RSA-OAEP-256"), "rsa");
    assert_string_equal(choose(set, "ECDH-ES", "RSA-OAEP", false, "ECDH-ES"), "ec");
    assert_string_equal(choose(set, "ECDH-ES+A256KW", NULL, true, "ECDH-ES+A256KW"), "ec");
    json_decref(set);
}

static void use_decides(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'signs','use':'sig'}");
    add(set, rsa, "{'kid':'says nothing'}");
    add(set, rsa, "{'kid':'other','use':'tls'}");
    assert_string_equal(choose(set, "RSA-OAEP", NULL, false, NULL),
                        "no key of the set is marked for encryption");
    assert_string_equal(choose(set, "RSA-OAEP", NULL, true, "RSA-OAEP"), "says nothing");
    /* One that says so is better than one that says nothing, even for a later algorithm. */
    add(set, p256, "{'kid':'encrypts','use':'enc'}");
    assert_string_equal(choose(set, "RSA-OAEP", "ECDH-ES", true, "ECDH-ES"), "encrypts");
    json_decref(set);
}

static void alg_binds(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'oaep','use':'enc','alg':'RSA-OAEP'}");
    add(set, rsa, "{'kid':'rsa1_5','use':'enc','alg':'RSA1_5'}");
    assert_string_equal(choose(set, "RSA-OAEP-256", "ECDH-ES", false, NULL),
                        "no encryption key of the set fits an algorithm asked for");
    assert_string_equal(choose(set, "RSA-OAEP-256", "RSA-OAEP", false, "RSA-OAEP"), "oaep");
    add(set, rsa, "{'kid':'any','use':'enc'}");
    assert_string_equal(choose(set, "RSA-OAEP-256", "RSA-OAEP", false, "RSA-OAEP-256"), "any");
    json_decref(set);
}

static void key_ops_must_agree(void **state)
{
    json_t *set = new_set();
    (void)state;
    add(set, rsa, "{'kid':'a','use':'enc','key_ops':['verify']}");
    add(set, p256, "{'kid':'b','use':'enc','key_ops':['encrypt']}");
    assert_string_equal(choose(set, "RSA-OAEP", "ECDH-ES", false, NULL),
                        "the key_ops of the encryption keys do not allow it");
    add(set, rsa, "{'kid':'c','use':'enc','key_ops':['wrapKey']}");
    add(set, p256, "{'kid':'d','use':'enc','key_ops':['deriveBits','verify']}");
    assert_string_equal(choose(set, "RSA-OAEP", "ECDH-ES", false, "RSA-OAEP"), "c");
    assert_string_equal(choose(set, "ECDH-ES", NULL, false, "ECDH-ES"), "d");
    json_decref(set);
}

static void reasons(void **state)
{
    json_t *set = new_set();
    (void)state;
    assert_string_equal(choose(set, "RSA-OAEP", NULL, true, NULL), "the set has no keys");
    add(set, rsa, "{'n':'AQAB'}");
    assert_string_equal(choose(set, "RSA-OAEP", NULL, true, NULL),
                        "every key of the set had to be skipped");
    /* A key that may encrypt is never signed to, whatever is asked for. */
    add(set, rsa, "{'kid':'a','use':'enc'}");
    assert_string_equal(choose(set, "RS256", NULL, true, NULL),
                        "no encryption key of the set fits an algorithm asked for");
    json_decref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_skipped_with_a_reason),
        cmocka_unit_test(what_is_no_set),
        cmocka_unit_test(sets_of_any_size_but_too_large),
        cmocka_unit_test(a_kid_stands_once),
        cmocka_unit_test(a_private_key_in_it),
        cmocka_unit_test(preference_comes_before_place),
        cmocka_unit_test(use_decides),
        cmocka_unit_test(alg_binds),
        cmocka_unit_test(key_ops_must_agree),
        cmocka_unit_test(reasons),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
