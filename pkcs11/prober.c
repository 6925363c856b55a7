/* The thread that brings a module's tokens up and climbs the ladder when they fail. */
#include "config.h"
#include "pkcs11/prober.h"
#include "pkcs11/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two tries to bring back a token. Where other tokens of the module serve, each try takes
 * them down for a moment: then seldom. */
#define RETRY_FIRST_MS  250
#define RETRY_MAX_MS    1000
#define RETRY_BESIDE_MS 30000

struct prober {
    struct module *module;
    struct token **tokens;
    size_t token_count;
    const struct prober_events *events;
    void *context;
    struct keyring *keyring; /* the one that the tokens are resolved for; of the thread */
    long retry_ms;           /* of the thread; 0: nothing to retry */
    struct order order;

    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum p11_rung wanted;
    uint64_t wanted_in;       /* the generation that failed */
    struct keyring *adopting; /* handed over, not taken yet */
    bool climbing;
    bool stop;
};

struct work {
    enum p11_rung rung;
    bool failed;           /* a call of somebody's has: that is why */
    struct keyring *adopt; /* owned */
};

static struct timespec in(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void set_state(struct prober *prober, struct token *token, enum token_state state,
                      const char *detail)
{
    char old[P11_ERROR_TEXT_MAX];
    enum token_state old_state = token_get_state(token, old, sizeof old);
    token_set_state(token, state, detail);
    if (old_state != state || strcmp(old, detail) != 0)
        prober->events->token_changed(prober->context, token, state, detail);
}

static void withdraw(struct prober *prober, struct token *token)
{
    char reason[KEY_REASON_MAX];
    snprintf(reason, sizeof reason, "token %.64s is %s", token->name,
             token_state_name(token_get_state(token, NULL, 0)));
    keyring_withdraw(prober->keyring, token, reason);
}

static void set_failed(struct prober *prober, struct token *token, const struct p11_error *error)
{
    char text[P11_ERROR_TEXT_MAX];
    p11_error_describe(error, text, sizeof text);
    set_state(prober, token, error->code == P11_LOCKED ? TOKEN_LOCKED : TOKEN_DOWN, text);
    withdraw(prober, token);
}

/* Two URIs may name the same token: it must not get a wrong PIN from both. */
static int check_twice(const struct prober *prober, const struct token *token,
                       struct p11_error *error)
{
    for (size_t i = 0; i < prober->token_count && prober->tokens[i] != token; i++) {
        const struct token *other = prober->tokens[i];
        if (other->found && other->slot == token->slot)
            return p11_error_text(error, P11_INVALID, "it is the same token as %s", other->name);
    }
    return 0;
}

static bool bring_up(struct prober *prober, struct token *token)
{
    struct p11_error error;
    uint64_t generation = atomic_load(&prober->module->generation) + 1;
    int r = 0;
    if (!token->open) {
        r = token_find(token, &error);
        if (r == 0)
            r = check_twice(prober, token, &error);
        if (r == 0)
            r = token_open(token, &error);
    }
    if (r == 0)
        r = token_index(token, &error);
    if (r == 0)
        r = keyring_resolve(prober->keyring, token, generation, &error);
    if (r < 0 && token->open)
        token_close(token);
    if (r < 0)
        set_failed(prober, token, &error);
    else
        set_state(prober, token, TOKEN_UP, "");
    return r == 0;
}

static size_t count_in(const struct prober *prober, enum token_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < prober->token_count; i++)
        count += token_get_state(prober->tokens[i], NULL, 0) == state;
    return count;
}

/* Whether a token is up with a PIN that we do not have: finalising the module would lock it. */
static bool is_open_by_hand(const struct prober *prober)
{
    bool found = false;
    for (size_t i = 0; i < prober->token_count; i++)
        found |=
            prober->tokens[i]->by_hand && token_get_state(prober->tokens[i], NULL, 0) == TOKEN_UP;
    return found;
}

/* Rung 2: the module is shut; log in and index every token again. A login that cannot be repeated
 * is kept if it lasts, and so is every one where nothing has failed. */
static void log_in_again(struct prober *prober, bool failed)
{
    for (size_t i = 0; i < prober->token_count; i++) {
        struct token *token = prober->tokens[i];
        if (token_get_state(token, NULL, 0) != TOKEN_UP)
            continue;
        bool keep = !token->held && (token->by_hand || !failed);
        if (!keep || !token_renew(token))
            token_close(token);
    }
    for (size_t i = 0; i < prober->token_count; i++)
        bring_up(prober, prober->tokens[i]);
}

/* Rung 3: the module is shut; finalise and initialise it, then as rung 2. */
static void restart(struct prober *prober)
{
    struct p11_error error;
    int r = module_restart(prober->module, &error);
    for (size_t i = 0; i < prober->token_count; i++) {
        token_forget(prober->tokens[i]);
        if (r < 0)
            set_failed(prober, prober->tokens[i], &error);
        else
            bring_up(prober, prober->tokens[i]);
    }
}

static void plan_retry(struct prober *prober)
{
    if (count_in(prober, TOKEN_DOWN) == 0)
        prober->retry_ms = 0;
    else if (count_in(prober, TOKEN_UP) > 0)
        prober->retry_ms = RETRY_BESIDE_MS;
    else if (prober->retry_ms == 0)
        prober->retry_ms = RETRY_FIRST_MS;
    else if ((prober->retry_ms *= 2) > RETRY_MAX_MS)
        prober->retry_ms = RETRY_MAX_MS;
}

static void climb(struct prober *prober, enum p11_rung rung, bool failed)
{
    size_t down = count_in(prober, TOKEN_DOWN);
    module_shut(prober->module);
    if (rung == P11_RUNG_LOGIN)
        log_in_again(prober, failed);
    if (rung == P11_RUNG_MODULE ||
        (count_in(prober, TOKEN_DOWN) > down && !is_open_by_hand(prober)))
        restart(prober);
    if (count_in(prober, TOKEN_UP) > 0)
        module_open(prober->module);
    plan_retry(prober);
    prober->events->resolved(prober->context, prober->keyring);
}

/* Signers go on meanwhile; where the module bears one caller at a time, they wait. */
static int look_again(struct prober *prober, struct token *token, struct p11_error *error)
{
    struct module *module = prober->module;
    if (module->one_caller)
        pthread_mutex_lock(&module->turn);
    int r = token_index(token, error);
    if (r == 0)
        r = keyring_resolve(prober->keyring, token, atomic_load(&module->generation), error);
    if (module->one_caller)
        pthread_mutex_unlock(&module->turn);
    return r;
}

/* Nobody uses the new keyring yet, so its handles can be found beside running signers: they stay
 * valid as long as the generation that they are stamped with. */
static void adopt(struct prober *prober, struct keyring *keyring)
{
    keyring_unref(prober->keyring);
    prober->keyring = keyring;
    /* An administrator who reloads may have put the PIN right. */
    if (count_in(prober, TOKEN_LOCKED) > 0) {
        climb(prober, P11_RUNG_LOGIN, false);
        return;
    }
    for (size_t i = 0; i < prober->token_count; i++) {
        struct token *token = prober->tokens[i];
        struct p11_error error;
        if (token_get_state(token, NULL, 0) != TOKEN_UP) {
            withdraw(prober, token);
            continue;
        }
        if (look_again(prober, token, &error) < 0) {
            climb(prober, P11_RUNG_LOGIN, true);
            return;
        }
    }
    prober->events->resolved(prober->context, keyring);
}

static int unlock(struct prober *prober, struct order *order)
{
    struct token *token = order->token;
    struct p11_error *error = &order->error;
    if (token_get_state(token, NULL, 0) == TOKEN_UP)
        return 0;
    token->unlocking = true;
    token->given_pin = order->pin;
    order->pin = (struct secret){0};
    climb(prober, prober->module->initialized ? P11_RUNG_LOGIN : P11_RUNG_MODULE, false);
    token->unlocking = false;
    secret_wipe(&token->given_pin);
    char detail[P11_ERROR_TEXT_MAX];
    enum token_state state = token_get_state(token, detail, sizeof detail);
    if (state == TOKEN_UP)
        return 0;
    bool refused = strncmp(detail, "C_Login: ", 9) == 0;
    const char *warning = refused ? login_warning(token->info.flags) : NULL;
    return p11_error_text(error, state == TOKEN_LOCKED ? P11_LOCKED : P11_UNAVAILABLE, "%.120s%s%s",
                          detail, warning ? "; " : "", warning ? warning : "");
}

static int lock(struct prober *prober, struct order *order)
{
    struct token *token = order->token;
    token->held = true;
    if (token_get_state(token, NULL, 0) == TOKEN_UP)
        climb(prober, P11_RUNG_LOGIN, false);
    return 0;
}

static void carry_out(struct prober *prober)
{
    struct order *order = &prober->order;
    order->code = order->wish == ORDER_LOCK ? lock(prober, order) : unlock(prober, order);
    order_done(order);
}

static bool has_work(struct prober *prober)
{
    return prober->stop || prober->wanted != P11_RUNG_NONE || prober->adopting ||
           order_is_given(&prober->order);
}

/* What has not come back in time is looked for again: in a new start of the module, unless that
 * would lock another token. */
static enum p11_rung retry_rung(const struct prober *prober)
{
    return is_open_by_hand(prober) ? P11_RUNG_LOGIN : P11_RUNG_MODULE;
}

static bool next_work(struct prober *prober, struct work *ret_work)
{
    pthread_mutex_lock(&prober->lock);
    prober->climbing = false;
    if (prober->wanted_in != atomic_load(&prober->module->generation))
        prober->wanted = P11_RUNG_NONE; /* recovered since */
    pthread_cond_broadcast(&prober->changed);
    struct timespec deadline = in(prober->retry_ms);
    int waited = 0;
    while (!has_work(prober) && waited == 0)
        waited = prober->retry_ms
                     ? pthread_cond_timedwait(&prober->changed, &prober->lock, &deadline)
                     : pthread_cond_wait(&prober->changed, &prober->lock);
    ret_work->failed = waited != ETIMEDOUT;
    ret_work->rung = ret_work->failed ? prober->wanted : retry_rung(prober);
    ret_work->adopt = prober->adopting;
    prober->adopting = NULL;
    prober->wanted = P11_RUNG_NONE;
    prober->climbing = true;
    bool more = !prober->stop;
    pthread_mutex_unlock(&prober->lock);
    return more;
}

static void *run(void *argument)
{
    struct prober *prober = argument;
    struct work work;
    climb(prober, P11_RUNG_MODULE, false);
    while (next_work(prober, &work)) {
        if (work.adopt)
            adopt(prober, work.adopt);
        if (work.rung != P11_RUNG_NONE)
            climb(prober, work.rung, work.failed);
        if (order_take(&prober->order))
            carry_out(prober);
    }
    keyring_unref(work.adopt);
    module_shut(prober->module);
    return NULL;
}

int prober_start(struct module *module, struct token **tokens, size_t token_count,
                 struct keyring *keyring, const struct prober_events *events, void *context,
                 struct prober **ret_prober, struct p11_error *error)
{
    struct prober *prober = calloc(1, sizeof *prober);
    if (!prober)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    *prober = (struct prober){.module = module,
                              .tokens = tokens,
                              .token_count = token_count,
                              .events = events,
                              .context = context,
                              .keyring = keyring_ref(keyring),
                              .climbing = true};
    for (size_t i = 0; i < token_count; i++) {
        tokens[i]->module = module;
        tokens[i]->prober = prober;
        tokens[i]->crypto = keyring->crypto;
    }
    order_init(&prober->order);
    pthread_mutex_init(&prober->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&prober->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int r = pthread_create(&prober->thread, NULL, run, prober);
    if (r != 0) {
        keyring_unref(prober->keyring);
        free(prober);
        return p11_error_text(error, P11_MEMORY, "cannot start a thread: %s", strerror(r));
    }
    *ret_prober = prober;
    return 0;
}

void prober_stop(struct prober *prober)
{
    pthread_mutex_lock(&prober->lock);
    prober->stop = true;
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
    order_end(&prober->order);
}

int prober_join(struct prober *prober, const struct timespec *deadline)
{
    int r = pthread_timedjoin_np(prober->thread, NULL, deadline);
    if (r != 0)
        return r;
    keyring_unref(prober->keyring);
    order_clear(&prober->order);
    pthread_cond_destroy(&prober->changed);
    pthread_mutex_destroy(&prober->lock);
    free(prober);
    return 0;
}

void prober_adopt(struct prober *prober, struct keyring *keyring)
{
    pthread_mutex_lock(&prober->lock);
    keyring_unref(prober->adopting);
    prober->adopting = keyring_ref(keyring);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
}

void prober_want(struct prober *prober, enum p11_rung rung, uint64_t generation)
{
    if (!prober)
        return;
    pthread_mutex_lock(&prober->lock);
    if (generation == atomic_load(&prober->module->generation) && rung > prober->wanted) {
        prober->wanted = rung;
        prober->wanted_in = generation;
        pthread_cond_broadcast(&prober->changed);
    }
    pthread_mutex_unlock(&prober->lock);
}

int prober_carry_out(struct prober *prober, struct token *token, enum order_wish wish,
                     struct secret *pin, long ms, struct p11_error *error)
{
    int r = order_give(&prober->order, token, wish, pin, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&prober->lock);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
    return order_await(&prober->order, ms, error);
}

bool prober_wait(struct prober *prober, long ms)
{
    if (!prober)
        return false;
    struct timespec deadline = in(ms);
    pthread_mutex_lock(&prober->lock);
    bool busy = prober->climbing || prober->wanted != P11_RUNG_NONE;
    int waited = 0;
    while ((prober->climbing || prober->wanted != P11_RUNG_NONE) && waited == 0)
        waited = pthread_cond_timedwait(&prober->changed, &prober->lock, &deadline);
    pthread_mutex_unlock(&prober->lock);
    return busy && waited == 0;
}
