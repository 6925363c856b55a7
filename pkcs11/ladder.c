/* Brings the tokens of a module up, and up again when they have failed: rungs 2 and 3. */
#include "config.h"
#include "pkcs11/ladder.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Between two tries to bring back a token. Where other tokens of the module serve, a new start
 * takes them down for a moment: then seldom. */
#define RETRY_FIRST_MS  250
#define RETRY_MAX_MS    1000
#define TURN_WAIT_MS    60000 /* for a module that bears one caller at a time */
#define RETRY_BESIDE_MS 30000

/* A token that is down for one reason and then for another: how often that is told. */
#define TELL_AGAIN_MS 60000

struct ladder_keyrings ladder_keep(struct keyring *keyring, struct keyring *next)
{
    struct ladder_keyrings keyrings = {.list = {keyring_ref(keyring)}, .count = 1};
    if (next)
        keyrings.list[keyrings.count++] = keyring_ref(next);
    return keyrings;
}

void ladder_let_go(struct ladder_keyrings *keyrings)
{
    for (size_t i = 0; i < keyrings->count; i++)
        keyring_unref(keyrings->list[i]);
    *keyrings = (struct ladder_keyrings){.count = 0};
}

static bool has(const struct ladder_keyrings *keyrings, const struct keyring *keyring)
{
    bool found = false;
    for (size_t i = 0; i < keyrings->count; i++)
        found |= keyrings->list[i] == keyring;
    return found;
}

static struct keyring *newest(const struct ladder_keyrings *keyrings)
{
    return keyrings->list[keyrings->count - 1];
}

/* `event`: to be told although nothing changes by it. */
static void set_state(struct ladder *ladder, struct token *token, enum token_state state,
                      const char *detail, bool event)
{
    char old[P11_ERROR_TEXT_MAX];
    enum token_state old_state = token_get_state(token, old, sizeof old);
    int64_t now = watch_now();
    token_set_state(token, state, detail);
    bool told = token->told_at != 0 && now < token->told_at + TELL_AGAIN_MS;
    bool same = old_state == state && (strcmp(old, detail) == 0 || (told && state == TOKEN_DOWN));
    if (same && !event)
        return;
    token->told_at = now;
    ladder->events->token_changed(ladder->context, token, state, detail);
}

static void withdraw(struct ladder *ladder, struct token *token)
{
    char reason[KEY_REASON_MAX];
    snprintf(reason, sizeof reason, "token %.64s is %s", token->name,
             token_state_name(token_get_state(token, NULL, 0)));
    for (size_t i = 0; i < ladder->keyrings.count; i++)
        keyring_withdraw(ladder->keyrings.list[i], token, reason);
}

static void set_failed(struct ladder *ladder, struct token *token, const struct p11_error *error)
{
    char text[P11_ERROR_TEXT_MAX];
    p11_error_describe(error, text, sizeof text);
    bool locked = error->code == P11_LOCKED;
    /* Each PIN that the token has refused; who has entered one himself is told as it is. */
    bool refused = locked && error->call && !token->asked_for;
    set_state(ladder, token, locked ? TOKEN_LOCKED : TOKEN_DOWN, text, refused);
    withdraw(ladder, token);
}

/* Two URIs may name the same token: it must not get a wrong PIN from both. */
static int check_twice(const struct ladder *ladder, const struct token *token,
                       struct p11_error *error)
{
    for (size_t i = 0; i < ladder->token_count && ladder->tokens[i] != token; i++) {
        const struct token *other = ladder->tokens[i];
        if (other->found && other->slot == token->slot)
            return p11_error_text(error, P11_INVALID, "it is the same token as %s", other->name);
    }
    return 0;
}

/* Signers and we use the same session, in turns. */
static void share_anchor(struct token *token, uint64_t generation)
{
    token->module->one_caller = true;
    session_pool_share(&token->sessions, token->anchor, generation);
}

static int resolve(const struct ladder_keyrings *keyrings, struct token *token, uint64_t generation,
                   struct p11_error *error)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < keyrings->count; i++)
        r = keyring_resolve(keyrings->list[i], token, generation, error);
    return r;
}

static bool bring_up(struct ladder *ladder, struct token *token)
{
    struct p11_error error;
    uint64_t generation = atomic_load(&ladder->module->generation) + 1;
    int r = 0;
    if (!token->open) {
        r = token_find(token, &error);
        if (r == 0)
            r = check_twice(ladder, token, &error);
        if (r == 0)
            r = token_open(token, &error);
    }
    if (r == 0 && token_has_one_session(token))
        share_anchor(token, generation);
    if (r == 0)
        r = token_index(token, &error);
    if (r == 0)
        r = resolve(&ladder->keyrings, token, generation, &error);
    if (r < 0 && token->open)
        token_close(token);
    if (r < 0)
        set_failed(ladder, token, &error);
    else
        set_state(ladder, token, TOKEN_UP, "", false);
    return r == 0;
}

static size_t count_in(const struct ladder *ladder, enum token_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < ladder->token_count; i++)
        count += token_get_state(ladder->tokens[i], NULL, 0) == state;
    return count;
}

/* Whether a token is up with a PIN that we do not have: finalising the module would lock it. */
static bool is_open_by_hand(const struct ladder *ladder)
{
    bool found = false;
    for (size_t i = 0; i < ladder->token_count; i++)
        found |= ladder->tokens[i]->by_hand && ladder->tokens[i]->open;
    return found;
}

/* Rung 2: the module is shut; log in and index every token again. A login that cannot be repeated
 * is kept if it lasts, and so is every one where nothing has failed. */
static void log_in_again(struct ladder *ladder, bool failed)
{
    for (size_t i = 0; i < ladder->token_count; i++) {
        struct token *token = ladder->tokens[i];
        if (!token->open)
            continue;
        bool keep = !token->held && (token->by_hand || !failed);
        if (!keep || !token_renew(token))
            token_close(token);
    }
    for (size_t i = 0; i < ladder->token_count; i++)
        bring_up(ladder, ladder->tokens[i]);
}

/* Rung 3: the module is shut; finalise and initialise it, then as rung 2. */
static void restart(struct ladder *ladder)
{
    struct p11_error error;
    int r = module_restart(ladder->module, &error);
    for (size_t i = 0; i < ladder->token_count; i++) {
        token_forget(ladder->tokens[i]);
        if (r < 0)
            set_failed(ladder, ladder->tokens[i], &error);
        else
            bring_up(ladder, ladder->tokens[i]);
    }
}

/* Up to a quarter more or less, so that many agents do not come back to one device at once. */
static long jitter(long ms)
{
    unsigned random = 0;
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    return (long)(random % (unsigned)(ms / 2 + 1)) - ms / 4;
}

static void plan_retry(struct ladder *ladder)
{
    if (count_in(ladder, TOKEN_DOWN) == 0)
        ladder->retry_ms = 0;
    else if (count_in(ladder, TOKEN_UP) > 0)
        ladder->retry_ms = RETRY_MAX_MS;
    else if (ladder->retry_ms == 0)
        ladder->retry_ms = RETRY_FIRST_MS;
    else if ((ladder->retry_ms *= 2) > RETRY_MAX_MS)
        ladder->retry_ms = RETRY_MAX_MS;
    ladder->retry_at =
        ladder->retry_ms ? watch_now() + ladder->retry_ms + jitter(ladder->retry_ms) : INT64_MAX;
}

/* From one rung to the next, as far as needed. Returns false when a call has hung meanwhile: then
 * keys that had been resolved are withdrawn again, and nobody is let in. */
static bool climb(struct ladder *ladder, enum p11_rung rung, bool failed)
{
    struct module *module = ladder->module;
    size_t down = count_in(ladder, TOKEN_DOWN);
    module_shut(module);
    unsigned hangs = atomic_load(&ladder->hangs);
    watch_begin(&ladder->watch);
    if (!module->initialized)
        rung = P11_RUNG_MODULE; /* whoever asks cannot know: there is nothing to log in to */
    if (rung == P11_RUNG_LOGIN) {
        log_in_again(ladder, failed);
        module->climbed[rung] += failed;
    }
    if (rung == P11_RUNG_MODULE ||
        (count_in(ladder, TOKEN_DOWN) > down && !is_open_by_hand(ladder))) {
        restart(ladder);
        module->climbed[P11_RUNG_MODULE] += failed;
    }
    watch_end();
    pthread_mutex_lock(&ladder->lock);
    bool whole = atomic_load(&ladder->hangs) == hangs;
    if (whole && count_in(ladder, TOKEN_UP) > 0)
        module_open(module);
    pthread_mutex_unlock(&ladder->lock);
    return whole;
}

void ladder_climb(struct ladder *ladder, enum p11_rung rung, bool failed)
{
    /* Once more; if that hangs, too, prober_look_after has us climb again later. */
    if (!climb(ladder, rung, failed) && count_in(ladder, TOKEN_UP) > 0)
        climb(ladder, P11_RUNG_LOGIN, false);
    ladder->restart_at = watch_now() + RETRY_BESIDE_MS;
    plan_retry(ladder);
    ladder_tell(ladder, true);
}

enum p11_rung ladder_rung(const struct p11_error *error)
{
    enum p11_rung rung = p11_rv_rung(error->rv);
    return rung > P11_RUNG_LOGIN ? rung : P11_RUNG_LOGIN;
}

/* In a new start of the module, unless that would lock another token. */
static enum p11_rung retry_rung(const struct ladder *ladder)
{
    return is_open_by_hand(ladder) ? P11_RUNG_LOGIN : P11_RUNG_MODULE;
}

/* Whether a token that is down is there again: some modules see that without a new start. */
static bool has_appeared(struct ladder *ladder)
{
    struct p11_error error;
    bool found = false;
    if (!module_take_turn(ladder->module, TURN_WAIT_MS))
        return false;
    watch_begin(&ladder->watch);
    for (size_t i = 0; i < ladder->token_count && !found; i++)
        found = token_get_state(ladder->tokens[i], NULL, 0) == TOKEN_DOWN &&
                token_find(ladder->tokens[i], &error) == 0;
    watch_end();
    module_end_turn(ladder->module);
    return found;
}

void ladder_retry(struct ladder *ladder)
{
    if (count_in(ladder, TOKEN_UP) == 0 || watch_now() >= ladder->restart_at)
        ladder_climb(ladder, retry_rung(ladder), false);
    else if (has_appeared(ladder))
        ladder_climb(ladder, P11_RUNG_LOGIN, false);
    else
        plan_retry(ladder);
}

/* Signers go on meanwhile; where the module bears one caller at a time, they wait. */
static int look_again(struct ladder *ladder, struct token *token,
                      const struct ladder_keyrings *fresh, struct p11_error *error)
{
    struct module *module = ladder->module;
    if (!module_take_turn(module, TURN_WAIT_MS))
        return p11_error_text(error, P11_BUSY, "the module is busy");
    watch_begin(&ladder->watch);
    int r = token_index(token, error);
    if (r == 0)
        r = resolve(fresh, token, atomic_load(&module->generation), error);
    watch_end();
    module_end_turn(module);
    return r;
}

/* Nobody uses these keyrings yet, so their handles can be found beside running signers: they stay
 * valid as long as the generation that they are stamped with. */
static void look_at_all(struct ladder *ladder, const struct ladder_keyrings *fresh)
{
    /* An administrator who reloads may have put the PIN right. */
    if (count_in(ladder, TOKEN_LOCKED) > 0) {
        ladder_climb(ladder, P11_RUNG_LOGIN, false);
        return;
    }
    for (size_t i = 0; i < ladder->token_count; i++) {
        struct token *token = ladder->tokens[i];
        struct p11_error error;
        if (token_get_state(token, NULL, 0) != TOKEN_UP) {
            withdraw(ladder, token);
            continue;
        }
        if (look_again(ladder, token, fresh, &error) < 0) {
            ladder_climb(ladder, P11_RUNG_LOGIN, true);
            return;
        }
    }
    if (count_in(ladder, TOKEN_DOWN) > 0) {
        ladder->restart_at = watch_now(); /* ... or what was down; but first the others go on */
        ladder->retry_at = ladder->restart_at + RETRY_FIRST_MS;
    }
    ladder_tell(ladder, true);
}

void ladder_adopt(struct ladder *ladder, struct ladder_keyrings keyrings)
{
    struct ladder_keyrings old = ladder->keyrings, fresh = {.count = 0};
    for (size_t i = 0; i < keyrings.count; i++)
        if (!has(&old, keyrings.list[i]))
            fresh.list[fresh.count++] = keyrings.list[i];
    pthread_mutex_lock(&ladder->lock);
    ladder->keyrings = keyrings;
    pthread_mutex_unlock(&ladder->lock);
    ladder_let_go(&old);
    if (fresh.count > 0)
        look_at_all(ladder, &fresh);
}

/* While a reload waits, a key is in two keyrings. What was told of it in one is told: the other has
 * it answer at once, and says no more of it before an answer was good. */
static void settle(const struct keyring *other, size_t where, const struct key_home *told)
{
    for (size_t i = 0; i < other->count; i++) {
        struct key_home *home = &other->keys[i]->homes[where];
        if (!home->identified || memcmp(home->identity, told->identity, sizeof home->identity) != 0)
            continue;
        home->good_at = home->doubtful = 0;
        atomic_store(&home->doubted, true);
    }
}

/* `other` may be NULL. */
static void tell_doubts(struct ladder *ladder, const struct key *key, const struct keyring *other)
{
    for (size_t i = 0; i < key->home_count; i++) {
        struct key_home *home = &key->homes[i];
        if (home->token->module != ladder->module || home->doubtful == 0)
            continue;
        ladder->events->doubtful(ladder->context, key, home->token, home->doubtful);
        home->doubtful = 0;
        if (other)
            settle(other, i, home);
    }
}

void ladder_tell(struct ladder *ladder, bool changed)
{
    const struct ladder_keyrings *keyrings = &ladder->keyrings;
    for (size_t i = 0; i < keyrings->count; i++)
        for (size_t k = 0; k < keyrings->list[i]->count; k++)
            tell_doubts(ladder, keyrings->list[i]->keys[k],
                        keyrings->count > 1 ? keyrings->list[1 - i] : NULL);
    if (changed)
        ladder->events->resolved(ladder->context, newest(keyrings));
}

void ladder_go_down(struct ladder *ladder, const char *why)
{
    pthread_mutex_lock(&ladder->lock);
    atomic_store(&ladder->module->hangs, true);
    atomic_fetch_add(&ladder->hangs, 1);
    for (size_t i = 0; i < ladder->token_count; i++) {
        set_state(ladder, ladder->tokens[i], TOKEN_DOWN, why, false);
        withdraw(ladder, ladder->tokens[i]);
    }
    struct ladder_keyrings keyrings =
        ladder_keep(ladder->keyrings.list[0], ladder->keyrings.list[1]);
    pthread_mutex_unlock(&ladder->lock);
    ladder->events->withdrawn(ladder->context, newest(&keyrings));
    ladder_let_go(&keyrings);
}

int64_t ladder_oldest_call(struct ladder *ladder, int64_t now, unsigned *ret_slow)
{
    int64_t since, oldest = atomic_load(&ladder->watch.since);
    oldest = oldest ? oldest : now;
    *ret_slow = 0;
    for (size_t i = 0; i < ladder->token_count; i++) {
        unsigned slow = session_pool_slow(&ladder->tokens[i]->sessions, now, &since);
        if (slow > 0 && since < oldest)
            oldest = since;
        *ret_slow += slow;
    }
    return oldest;
}
