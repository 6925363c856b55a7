/* Has keys give their known answer between recoveries: whose turn it is, and how often. */
#include "config.h"
#include "pkcs11/check.h"

#define BATCH_MS 5 /* then others get their turn */

/* The token's time for others, to each part for us: of known answers as such, and of those that
 * keys become ready with. Then nothing else is served, so that is not put off for long. */
#define SHARE       99
#define RETRY_SHARE 9

/* One that is doubted does not wait for its turn, but once a second is enough. */
static int64_t due_at(const struct check *check, const struct key_home *home)
{
    if (atomic_load(&home->doubted))
        return home->check_at - KEY_CHECK_MS + KEY_RETRY_MS;
    int64_t others = atomic_load(&home->generation) ? check->resume : check->retry;
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

/* Stops where the token fails, and after a while. */
static int check_token(const struct check *check, struct ladder *ladder, struct token *token,
                       int64_t start, bool *changed, struct p11_error *error)
{
    struct keyring *keyring = ladder->keyring;
    int r = 0;
    for (size_t i = 0; r == 0 && i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        struct key_home *home = home_on(key, token);
        if (due_at(check, home) > start || !is_up(home))
            continue;
        if (watch_now() - start >= BATCH_MS || !module_take_turn(ladder->module, BATCH_MS))
            break;
        r = check_key(ladder, key, home, changed, error);
        module_end_turn(ladder->module);
    }
    return r;
}

enum p11_rung check_run(struct check *check, struct ladder *ladder)
{
    int64_t start = watch_now();
    struct p11_error error;
    bool changed = false;
    int r = 0;
    for (size_t t = 0; r == 0 && t < ladder->token_count; t++)
        r = check_token(check, ladder, ladder->tokens[t], start, &changed, &error);
    int64_t end = watch_now(), pause = (end - start) * RETRY_SHARE;
    check->resume = end + (end - start) * SHARE;
    check->retry = end + (pause < KEY_RETRY_MS ? pause : KEY_RETRY_MS);
    ladder_tell(ladder, changed);
    if (r == 0)
        return P11_RUNG_NONE;
    /* It came up on the session that keeps the login: that is not replaced without a new one. */
    enum p11_rung rung = p11_rv_rung(error.rv);
    return rung > P11_RUNG_LOGIN ? rung : P11_RUNG_LOGIN;
}
