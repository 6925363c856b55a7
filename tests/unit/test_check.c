/* Tests of pkcs11/check.c: when keys give their known answer, and what a wrong one means. */
#include "config.h"
#include "pkcs11/check.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct crypto crypto;
static struct fake_object objects[2];
static struct token token, other;
static struct token *tokens[] = {&token, &other};
static char name[] = "a", other_name[] = "b";
static struct module *module;
static struct keyring *keyring;
static struct key *first, *second;
static struct ladder ladder;
static struct check check;

/* The token: what it answers, and how often it was asked. */
static unsigned char mac;
static CK_RV answer;
static CK_OBJECT_HANDLE failing; /* the key that answers so; 0: all */
static CK_OBJECT_HANDLE strange; /* the key that gives another MAC */
static unsigned answers;
static CK_OBJECT_HANDLE last; /* that has answered */

/* What was told. */
static unsigned changes, doubts;
static const struct key *doubtful_key;
static time_t doubtful_since;

static CK_RV give_answer(void)
{
    answers++;
    last = fake.signing;
    fake.mac = fake.signing == strange ? 'x' : mac;
    return failing == 0 || fake.signing == failing ? answer : CKR_OK;
}

static void resolved(void *context, struct keyring *which)
{
    (void)context;
    (void)which;
    changes++;
}

static void doubtful(void *context, const struct key *key, const struct token *where, time_t since)
{
    (void)context;
    doubtful_key = key;
    assert_ptr_equal(where, &token);
    doubts++;
    doubtful_since = since;
}

static struct key *add(struct keyring *to, const char *uri)
{
    struct p11_error error;
    struct key *key;
    assert_int_equal(keyring_add(to, uri, mech_find("HS256"), &key, &error), 0);
    return key;
}

static int bring_up(struct token *which, char *its_name)
{
    struct p11_error error;
    *which = (struct token){.name = its_name, .module = module, .state = TOKEN_UP};
    pthread_mutex_init(&which->lock, NULL);
    return index_build(&fake_functions, 1, &which->index, &error);
}

static int set_up(size_t token_count)
{
    static const struct ladder_events events = {.resolved = resolved, .doubtful = doubtful};
    struct p11_error error;
    fake_reset();
    fake_hmac_key(&objects[0], "one", "1");
    fake_hmac_key(&objects[1], "two", "2");
    fake.objects = objects;
    fake.object_count = 2;
    fake.answer = give_answer;
    answer = CKR_OK;
    failing = strange = 0;
    mac = 'm';
    module = fake_module();
    if (bring_up(&token, name) < 0 || bring_up(&other, other_name) < 0 ||
        keyring_new(&crypto, tokens, token_count, &keyring, &error) < 0)
        return -1;
    first = add(keyring, "pkcs11:object=one");
    second = add(keyring, "pkcs11:object=two");
    module_open(module);
    ladder = (struct ladder){.module = module,
                             .tokens = tokens,
                             .token_count = token_count,
                             .events = &events,
                             .keyrings = {.list = {keyring}, .count = 1}};
    check = (struct check){.resume = 0};
    for (size_t i = 0; i < token_count; i++)
        if (keyring_resolve(keyring, tokens[i], 1, &error) < 0)
            return -1;
    answers = changes = doubts = 0;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return set_up(1);
}

static int setup_two_tokens(void **state)
{
    (void)state;
    return set_up(2);
}

static int teardown(void **state)
{
    (void)state;
    keyring_unref(keyring);
    index_clear(&token.index);
    index_clear(&other.index);
    fake_module_free(module);
    return 0;
}

static bool is_usable(const struct key *key)
{
    return atomic_load(&key->ready) && atomic_load(&key->homes[0].generation) == 1;
}

static void run(void)
{
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_NONE);
}

static void once_a_minute(void **state)
{
    (void)state;
    int64_t due = check_due(&check, &ladder) - watch_now();
    assert_in_range(due, KEY_CHECK_MS - 10000, KEY_CHECK_MS);
    assert_int_equal(KEY_CHECK_MS, 60000);
    run();
    assert_int_equal(answers, 0);
    first->homes[0].check_at = watch_now();
    check.resume = 0; /* however long the machine took to find nothing due */
    assert_true(check_due(&check, &ladder) <= watch_now());
    run();
    assert_int_equal(answers, 1);
    assert_true(is_usable(first));
    assert_int_equal(changes, 0);
}

static void at_once_after_an_error_but_not_all_the_time(void **state)
{
    (void)state;
    atomic_store(&first->homes[0].doubted, true);
    assert_true(check_due(&check, &ladder) - watch_now() <= KEY_RETRY_MS);
    run();
    assert_int_equal(answers, 0); /* it has just answered */
    check.resume = 0;
    first->homes[0].check_at -= KEY_RETRY_MS;
    run();
    assert_int_equal(answers, 1);
    assert_false(atomic_load(&first->homes[0].doubted));
}

static void wrong_answer(void **state)
{
    (void)state;
    time_t good = first->homes[0].good_at;
    first->homes[0].check_at = 0;
    mac = 'x';
    run();
    assert_false(is_usable(first));
    assert_true(is_usable(second));
    assert_int_equal(changes, 1);
    assert_int_equal(doubts, 1);
    assert_ptr_equal(doubtful_key, first);
    assert_int_equal(doubtful_since, good);
    assert_non_null(strstr(first->homes[0].reason, "exchanged"));
    /* It stays wrong: nothing is told twice. */
    first->homes[0].check_at = check.resume = check.retry = 0;
    run();
    assert_int_equal(changes, 1);
    assert_int_equal(doubts, 1);
    /* It is right again. */
    assert_true(first->homes[0].check_at - watch_now() <= KEY_RETRY_MS);
    mac = 'm';
    first->homes[0].check_at = check.resume = check.retry = 0;
    run();
    assert_true(is_usable(first));
    assert_int_equal(changes, 2);
    assert_int_equal(doubts, 1);
}

/* The next configuration has the first key, too. */
static struct key *begin_reload(struct keyring **ret_next)
{
    struct p11_error error;
    assert_int_equal(keyring_new(&crypto, tokens, 1, ret_next, &error), 0);
    struct key *its = add(*ret_next, "pkcs11:object=one");
    assert_int_equal(keyring_resolve(*ret_next, &token, 1, &error), 0);
    assert_true(is_usable(its));
    ladder.keyrings = (struct ladder_keyrings){.list = {keyring, *ret_next}, .count = 2};
    return its;
}

static void wrong_answer_of_the_next_configuration(void **state)
{
    struct keyring *next;
    (void)state;
    struct key *its = begin_reload(&next);
    its->homes[0].check_at = 0;
    assert_true(check_due(&check, &ladder) <= watch_now());
    mac = 'x';
    run();
    bool wrong = !is_usable(its) && doubts == 1 && doubtful_key == its;
    keyring_unref(next);
    assert_true(wrong);
    assert_true(is_usable(first));
    assert_int_equal(changes, 1);
}

/* However soon each of the two finds out. */
static void doubt_of_two_configurations(void **state)
{
    struct keyring *next;
    (void)state;
    struct key *its = begin_reload(&next);
    strange = first->homes[0].handle;
    first->homes[0].check_at = 0;
    run();
    bool asked_for = atomic_load(&its->homes[0].doubted);
    its->homes[0].check_at = check.resume = check.retry = 0;
    run();
    bool wrong = !is_usable(first) && !is_usable(its);
    unsigned told = doubts;
    /* It is right, and goes wrong again: both find that at once. */
    strange = 0;
    first->homes[0].check_at = its->homes[0].check_at = check.resume = check.retry = 0;
    run();
    bool right = is_usable(first) && is_usable(its);
    strange = first->homes[0].handle;
    first->homes[0].check_at = its->homes[0].check_at = check.resume = check.retry = 0;
    run();
    keyring_unref(next);
    assert_true(wrong && right && asked_for);
    assert_int_equal(told, 1);
    assert_int_equal(doubts, 2);
}

static void error_of_one_key(void **state)
{
    (void)state;
    first->homes[0].check_at = 0;
    answer = CKR_GENERAL_ERROR;
    failing = first->homes[0].handle;
    run();
    assert_int_equal(answers, 3); /* once is no proof; then the other key */
    assert_false(is_usable(first));
    assert_true(is_usable(second));
    assert_int_equal(doubts, 0);
    /* It stays broken: nobody else is asked. */
    first->homes[0].check_at = check.resume = check.retry = 0;
    run();
    assert_int_equal(answers, 5);
}

/* What may mean one key means the token where no other key signs, either. */
static void error_of_every_key(void **state)
{
    (void)state;
    first->homes[0].check_at = 0;
    answer = CKR_GENERAL_ERROR;
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_LOGIN);
    assert_int_equal(answers, 3);
}

static void error_of_the_token(void **state)
{
    (void)state;
    first->homes[0].check_at = 0;
    answer = CKR_DEVICE_REMOVED;
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_MODULE);
    first->homes[0].check_at = check.resume = check.retry = 0;
    answer = CKR_SESSION_HANDLE_INVALID; /* that of the login */
    assert_int_equal(check_run(&check, &ladder), P11_RUNG_LOGIN);
}

static void token_that_is_down(void **state)
{
    (void)state;
    first->homes[0].check_at = 0;
    token.state = TOKEN_DOWN;
    assert_true(check_due(&check, &ladder) == INT64_MAX);
    run();
    assert_int_equal(answers, 0);
}

static CK_RV give_slow_answer(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return give_answer();
}

/* A hundredth of the token's time. */
static void long_checks_are_seldom(void **state)
{
    (void)state;
    fake.answer = give_slow_answer;
    first->homes[0].check_at = second->homes[0].check_at = 0;
    run();
    assert_int_equal(answers, 1);
    int64_t resume = check.resume;
    assert_true(resume > watch_now() + 4000);
    assert_int_equal(check_due(&check, &ladder), resume);
    run(); /* that nothing is due changes nothing */
    assert_int_equal(answers, 1);
    assert_int_equal(check.resume, resume);
}

static void a_key_that_is_not_ready_is_tried_soon_again(void **state)
{
    (void)state;
    fake.answer = give_slow_answer;
    strange = first->homes[0].handle;
    first->homes[0].check_at = 0;
    run();
    assert_false(atomic_load(&first->ready));
    assert_true(check_due(&check, &ladder) <= watch_now() + KEY_RETRY_MS);
    assert_true(check_due(&check, &ladder) > watch_now());
}

/* However slow its token is. */
static void a_key_that_is_not_ready_puts_off_no_other(void **state)
{
    (void)state;
    strange = first->homes[0].handle;
    first->homes[0].check_at = 0;
    run();
    assert_false(is_usable(first));
    fake.answer = give_slow_answer;
    first->homes[0].check_at = check.resume = check.retry = 0;
    run();
    assert_int_equal(answers, 2);
    assert_true(check.retry > watch_now() + 100);
    second->homes[0].check_at = 0;
    assert_true(check_due(&check, &ladder) <= watch_now());
    run();
    assert_int_equal(answers, 3);
    assert_true(second->homes[0].check_at > watch_now());
}

/* Whoever provokes errors with one key does not keep others from being found wrong. */
static void a_key_that_is_doubted_puts_off_no_other(void **state)
{
    (void)state;
    fake.answer = give_slow_answer;
    atomic_store(&first->homes[0].doubted, true);
    first->homes[0].check_at -= KEY_RETRY_MS;
    run();
    assert_int_equal(answers, 1);
    second->homes[0].check_at = 0;
    assert_true(check_due(&check, &ladder) <= watch_now());
}

/* ... nor waits behind one that is asked by the clock; that one has its turn in the same pass. */
static void a_key_that_is_doubted_goes_first(void **state)
{
    (void)state;
    fake.answer = give_slow_answer;
    first->homes[0].check_at = 0;
    second->homes[0].check_at -= KEY_RETRY_MS;
    atomic_store(&second->homes[0].doubted, true);
    run();
    assert_int_equal(answers, 2);
    assert_int_equal(last, first->homes[0].handle);
    assert_false(atomic_load(&second->homes[0].doubted));
}

/* Where doubts come faster than answers. */
static void a_key_that_is_doubted_again_waits_behind_others(void **state)
{
    struct key_home *homes[] = {&first->homes[0], &second->homes[0], &first->homes[1],
                                &second->homes[1]};
    (void)state;
    fake.answer = give_slow_answer;
    for (size_t i = 0; i < 4; i++)
        homes[i]->check_at -= KEY_RETRY_MS;
    for (size_t i = 0; i < 4; i++) {
        atomic_store(&homes[i]->doubted, i != 1);
        if (i != 1)
            run();
    }
    assert_int_equal(answers, 3);
    for (size_t i = 0; i < 4; i++) { /* a second later */
        homes[i]->check_at -= KEY_RETRY_MS;
        atomic_store(&homes[i]->doubted, true);
    }
    run();
    assert_int_equal(answers, 4);
    assert_false(atomic_load(&homes[1]->doubted));
}

/* One a pass, and every pass may find all of them due. */
static void slow_keys_that_are_not_ready_take_turns(void **state)
{
    struct key_home *homes[] = {&first->homes[0], &second->homes[0], &first->homes[1],
                                &second->homes[1]};
    (void)state;
    fake.answer = give_slow_answer;
    for (size_t i = 0; i < 4; i++)
        atomic_store(&homes[i]->generation, 0);
    for (unsigned pass = 1; pass <= 8; pass++) {
        for (size_t i = 0; i < 4; i++)
            homes[i]->check_at = 0;
        check.retry = 0;
        run();
        assert_int_equal(answers, pass);
        assert_true(homes[(pass - 1) % 4]->check_at > 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(once_a_minute),
        TEST(at_once_after_an_error_but_not_all_the_time),
        TEST(wrong_answer),
        TEST(wrong_answer_of_the_next_configuration),
        TEST(doubt_of_two_configurations),
        TEST(error_of_one_key),
        TEST(error_of_every_key),
        TEST(error_of_the_token),
        TEST(token_that_is_down),
        TEST(long_checks_are_seldom),
        TEST(a_key_that_is_not_ready_is_tried_soon_again),
        TEST(a_key_that_is_not_ready_puts_off_no_other),
        TEST(a_key_that_is_doubted_puts_off_no_other),
        TEST(a_key_that_is_doubted_goes_first),
        cmocka_unit_test_setup_teardown(a_key_that_is_doubted_again_waits_behind_others,
                                        setup_two_tokens, teardown),
        cmocka_unit_test_setup_teardown(slow_keys_that_are_not_ready_take_turns, setup_two_tokens,
                                        teardown),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
