/* Tests of pkcs11/key.c: what signers see of a key while its tokens are looked at. */
#include "config.h"
#include "pkcs11/key.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define GENERATION 3

static struct crypto crypto;
static struct fake_object objects[2];
static struct token tokens[2];
static struct token *token_list[] = {&tokens[0], &tokens[1]};
static char names[2][2] = {"a", "b"};
static struct module *module;
static struct keyring *keyring;
static struct key *first, *second;
static bool seen; /* the second token's first key, by a signer, before all was judged */

static CK_RV answer(void)
{
    seen |= atomic_load(&first->ready) && atomic_load(&first->homes[1].generation) != 0;
    return CKR_OK;
}

static struct key *add(const char *uri)
{
    struct p11_error error;
    struct key *key;
    assert_int_equal(keyring_add(keyring, uri, mech_find("HS256"), &key, &error), 0);
    return key;
}

static int setup(void **state)
{
    (void)state;
    struct p11_error error;
    fake_reset();
    fake_hmac_key(&objects[0], "one", "1");
    fake_hmac_key(&objects[1], "two", "2");
    fake.objects = objects;
    fake.object_count = 2;
    fake.answer = answer;
    module = fake_module();
    for (size_t i = 0; i < 2; i++) {
        tokens[i] = (struct token){.name = names[i], .module = module};
        if (index_build(&fake_functions, 1, &tokens[i].index, &error) < 0)
            return -1;
    }
    seen = false;
    if (keyring_new(&crypto, token_list, 2, &keyring, &error) < 0)
        return -1;
    first = add("pkcs11:object=one");
    second = add("pkcs11:object=two");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    keyring_unref(keyring);
    for (size_t i = 0; i < 2; i++)
        index_clear(&tokens[i].index);
    fake_module_free(module);
    return 0;
}

static void resolve(size_t token, unsigned char key)
{
    struct p11_error error;
    fake.mac = key;
    assert_int_equal(keyring_resolve(keyring, &tokens[token], GENERATION, &error), 0);
}

static void usable_where_it_is_found(void **state)
{
    (void)state;
    resolve(0, 'a');
    assert_true(atomic_load(&first->ready));
    assert_int_equal(atomic_load(&first->homes[0].generation), GENERATION);
    assert_int_equal(atomic_load(&first->homes[1].generation), 0);
    resolve(1, 'a');
    assert_true(atomic_load(&second->ready));
    assert_int_equal(atomic_load(&second->homes[1].generation), GENERATION);
    keyring_withdraw(keyring, &tokens[0], "gone");
    assert_true(atomic_load(&first->ready));
    assert_int_equal(atomic_load(&first->homes[0].generation), 0);
    keyring_withdraw(keyring, &tokens[1], "gone");
    assert_false(atomic_load(&first->ready));
}

/* A token that is late comes to a keyring that is in use. */
static void another_key_of_the_name_never_signs(void **state)
{
    (void)state;
    resolve(0, 'a');
    resolve(1, 'b');
    assert_false(seen);
    assert_false(atomic_load(&first->ready));
    assert_int_equal(atomic_load(&first->homes[1].generation), 0);
}

/* Every key of the fake token gives the same answer, so all of them are one. */
static void an_owned_key_serves_nobody_else(void **state)
{
    (void)state;
    struct key *third = add("pkcs11:object=one");
    first->owner = third->owner = "owner";
    resolve(0, 'a');
    char reason[KEY_REASON_MAX];
    struct key *const keys[] = {first, second, third};
    for (size_t i = 0; i < 3; i++) {
        assert_false(atomic_load(&keys[i]->ready));
        assert_true(key_is_shared(keys[i]));
        assert_non_null(strstr(key_reason(keyring, keys[i], reason, sizeof reason), "elsewhere"));
    }
}

static void an_owner_may_use_it_in_many_ways(void **state)
{
    (void)state;
    first->owner = second->owner = "owner";
    resolve(0, 'a');
    assert_true(atomic_load(&first->ready));
    assert_true(atomic_load(&second->ready));
    assert_false(key_is_shared(first));
}

/* All keys are one: `second` is to be used with another algorithm. */
static void what_comes_next_yields_to_what_is_in_use(void **state)
{
    (void)state;
    struct mech other = *mech_find("HS256");
    second->mech = &other;
    second->yields = true;
    struct key *third = add("pkcs11:object=one");
    third->yields = true; /* with the algorithm of the one in use */
    resolve(0, 'a');
    assert_true(atomic_load(&first->ready));
    assert_false(atomic_load(&second->ready));
    assert_ptr_equal(atomic_load(&second->other_use), first);
    assert_true(atomic_load(&third->ready));
}

static void two_that_come_next(void **state)
{
    (void)state;
    struct mech other = *mech_find("HS256");
    second->mech = &other;
    first->yields = second->yields = true;
    resolve(0, 'a');
    assert_false(atomic_load(&first->ready));
    assert_false(atomic_load(&second->ready));
}

/* The key beside which an owned one is published is another key, and yet not ready. */
static void who_publishes_an_owned_key_does_not_sign(void **state)
{
    (void)state;
    struct key *third = add("pkcs11:object=nowhere");
    first->owner = "owner";
    second->beside = third;
    resolve(0, 'a');
    assert_true(key_is_shared(third));
    assert_false(atomic_load(&third->ready));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(usable_where_it_is_found),
        TEST(another_key_of_the_name_never_signs),
        TEST(an_owned_key_serves_nobody_else),
        TEST(an_owner_may_use_it_in_many_ways),
        TEST(what_comes_next_yields_to_what_is_in_use),
        TEST(two_that_come_next),
        TEST(who_publishes_an_owned_key_does_not_sign),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
