/* Looks again for keys that a token had and that do not serve there any more. */
#include "config.h"
#include "pkcs11/missing.h"

/* Between two looks. Where the module serves somebody they take at first no more than a tenth of
 * its time, later no more than a hundredth: the key may be gone for ever. */
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS   1000
#define SHARE_FIRST    9
#define SHARE_LATER    99

#define TURN_WAIT_MS 5

/* With the keyring's lock held. */
static bool is_missing(const struct key_home *home)
{
    return home->identified && home->found_in == 0;
}

/* The keys of one token. */
struct count {
    size_t usable, missing;
};

static struct count count_keys(const struct ladder *ladder, struct token *token)
{
    struct count count = {0};
    if (token_get_state(token, NULL, 0) != TOKEN_UP)
        return count;
    for (size_t i = 0; i < ladder->keyrings.count; i++) {
        struct keyring *keyring = ladder->keyrings.list[i];
        size_t where = keyring_home(keyring, token);
        pthread_mutex_lock(&keyring->lock);
        for (size_t k = 0; k < keyring->count; k++) {
            const struct key_home *home = &keyring->keys[k]->homes[where];
            count.usable += home->found_in != 0;
            count.missing += is_missing(home);
        }
        pthread_mutex_unlock(&keyring->lock);
    }
    return count;
}

int64_t missing_due(const struct missing *missing, const struct ladder *ladder)
{
    for (size_t i = 0; i < ladder->token_count; i++)
        if (count_keys(ladder, ladder->tokens[i]).missing > 0)
            return missing->at;
    return INT64_MAX;
}

static bool serves_nobody(const struct ladder *ladder)
{
    size_t usable = 0;
    for (size_t i = 0; i < ladder->token_count; i++)
        usable += count_keys(ladder, ladder->tokens[i]).usable;
    return usable == 0;
}

static void ask_for_missing(struct ladder *ladder, const struct token *token)
{
    for (size_t i = 0; i < ladder->keyrings.count; i++) {
        struct keyring *keyring = ladder->keyrings.list[i];
        size_t where = keyring_home(keyring, token);
        pthread_mutex_lock(&keyring->lock);
        for (size_t k = 0; k < keyring->count; k++) {
            struct key_home *home = &keyring->keys[k]->homes[where];
            if (is_missing(home))
                home->check_at = watch_now();
        }
        pthread_mutex_unlock(&keyring->lock);
    }
}

/* Signers go on meanwhile. */
static int index_again(struct ladder *ladder, struct token *token, struct p11_error *error)
{
    struct module *module = ladder->module;
    if (!module_take_turn(module, TURN_WAIT_MS))
        return 0;
    watch_begin(&ladder->watch);
    int r = token_index(token, error);
    watch_end();
    module_end_turn(module);
    if (r == 0)
        ask_for_missing(ladder, token);
    return r;
}

enum { CLIMBED = 1 };

/* A token none of whose keys serves may have forgotten the login, and has nobody to disturb.
 * Returns CLIMBED when every token of the module has been looked at. */
static int look(struct ladder *ladder, struct token *token, struct p11_error *error)
{
    struct count count = count_keys(ladder, token);
    if (count.missing == 0)
        return 0;
    if (count.usable > 0)
        return index_again(ladder, token, error);
    ladder_climb(ladder, P11_RUNG_LOGIN, false);
    return CLIMBED;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* After a look that took `spent` milliseconds of others' time. */
static void plan(struct missing *missing, int64_t spent)
{
    int64_t most = longer(RETRY_MAX_MS, spent * SHARE_LATER);
    missing->ms = longer(missing->ms * 2, longer(RETRY_FIRST_MS, spent * SHARE_FIRST));
    if (missing->ms > most)
        missing->ms = most;
    missing->at = watch_now() + missing->ms;
}

enum p11_rung missing_run(struct missing *missing, struct ladder *ladder)
{
    struct p11_error error;
    int64_t start = watch_now(), due = missing_due(missing, ladder);
    int r = 0;
    if (due == INT64_MAX)
        *missing = (struct missing){0};
    if (due > start)
        return P11_RUNG_NONE;
    bool idle = serves_nobody(ladder);
    for (size_t i = 0; i < ladder->token_count && r == 0; i++)
        r = look(ladder, ladder->tokens[i], &error);
    plan(missing, idle ? 0 : watch_now() - start);
    return r < 0 ? ladder_rung(&error) : P11_RUNG_NONE;
}
