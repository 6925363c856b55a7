/* Has keys give their known answer between recoveries: whose turn it is, and how often. */
#include "config.h"
#include "pkcs11/check.h"

#define BATCH_MS 5 /* then others get their turn */

/* The token's time for others, to each part for us: of known answers as such, and of those that
 * keys become ready with. Then nothing else is served, so that is not put off for long. */
#define SHARE       99
#define RETRY_SHARE 9

/* Why a home is asked, and so which share of the token's time that takes. */
enum reason {
    BY_THE_CLOCK,
    NOT_READY,
    DOUBTED, /* does not wait for its turn, but once a second is enough */
    REASONS
};

static enum reason reason_of(const struct key_home *home)
{
    if (atomic_load(&home->doubted))
        return DOUBTED;
    return atomic_load(&home->generation) ? BY_THE_CLOCK : NOT_READY;
}

static int64_t due_at(const struct check *check, const struct key_home *home)
{
    enum reason reason = reason_of(home);
    if (reason == DOUBTED)
        return home->check_at - KEY_CHECK_MS + KEY_RETRY_MS;
    int64_t others = reason == NOT_READY ? check->retry : check->resume;
    return home->check_at > others ? home->check_at : others;
}

static bool is_up(const struct key_home *home)
{
    return token_get_state(home->token, NULL, 0) == TOKEN_UP;
}

static struct key_home *home_on(const struct key *key, const struct token *token)
{
    struct key_home *home = key->homes;
    while (home->token != token)
        home++;
    return home;
}

int64_t check_due(const struct check *check, const struct ladder *ladder)
{
    int64_t due = INT64_MAX;
    for (size_t t = 0; t < ladder->token_count; t++) {
        const struct keyring *keyring = ladder->keyring;
        if (token_get_state(ladder->tokens[t], NULL, 0) != TOKEN_UP)
            continue;
        for (size_t i = 0; i < keyring->count; i++) {
            int64_t at = due_at(check, home_on(keyring->keys[i], ladder->tokens[t]));
            due = at < due ? at : due;
        }
    }
    return due;
}

static int check_key(struct ladder *ladder, struct key *key, struct key_home *home, bool *changed,
                     struct p11_error *error)
{
    struct module *module = ladder->module;
    bool changes = false;
    watch_begin(&ladder->watch);
    int r = keyring_check(ladder->keyring, key, home, atomic_load(&module->generation), &changes,
                          error);
    watch_end();
    *changed |= changes;
    return r;
}

struct pass {
    int64_t start;
    int64_t spent[REASONS]; /* ms, waiting for a turn in the module too */
    bool changed;
};

/* Begins behind the home that was asked last, so that slow ones keep none waiting forever. Stops
 * where the token fails, and after a while. */
static int go_round(struct check *check, struct ladder *ladder, struct pass *pass,
                    struct p11_error *error)
{
    struct keyring *keyring = ladder->keyring;
    size_t homes = ladder->token_count * keyring->count, first = check->next;
    int r = 0;
    for (size_t i = 0; r == 0 && i < homes; i++) {
        size_t at = (first + i) % homes;
        struct key *key = keyring->keys[at % keyring->count];
        struct key_home *home = home_on(key, ladder->tokens[at / keyring->count]);
        if (due_at(check, home) > pass->start || !is_up(home))
            continue;
        int64_t begin = watch_now();
        if (begin - pass->start >= BATCH_MS)
            break;
        enum reason reason = reason_of(home);
        if (module_take_turn(ladder->module, BATCH_MS)) {
            check->next = at + 1;
            r = check_key(ladder, key, home, &pass->changed, error);
            module_end_turn(ladder->module);
        }
        pass->spent[reason] += watch_now() - begin;
    }
    return r;
}

/* Each reason puts off its own kind alone: what is slow or broken keeps nobody from being asked. */
static void put_off(struct check *check, const struct pass *pass)
{
    int64_t end = watch_now(), pause = pass->spent[NOT_READY] * RETRY_SHARE;
    if (pass->spent[BY_THE_CLOCK] > 0)
        check->resume = end + pass->spent[BY_THE_CLOCK] * SHARE;
    if (pause > 0)
        check->retry = end + (pause < KEY_RETRY_MS ? pause : KEY_RETRY_MS);
}

enum p11_rung check_run(struct check *check, struct ladder *ladder)
{
    struct pass pass = {.start = watch_now()};
    struct p11_error error;
    int r = go_round(check, ladder, &pass, &error);
    put_off(check, &pass);
    ladder_tell(ladder, pass.changed);
    if (r == 0)
        return P11_RUNG_NONE;
    /* It came up on the session that keeps the login: that is not replaced without a new one. */
    enum p11_rung rung = p11_rv_rung(error.rv);
    return rung > P11_RUNG_LOGIN ? rung : P11_RUNG_LOGIN;
}
