/* The thread that climbs the ladder: what it is asked for, and who waits for it. */
#include "config.h"
#include "pkcs11/prober.h"
#include "pkcs11/check.h"
#include "pkcs11/login.h"
#include "pkcs11/missing.h"
#include "pkcs11/unread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many may wait for recovery at once, as a share of those that may be inside the module: the
 * others have requests of other modules to serve. */
#define WAITERS_SHARE 2

#define LONGEST_WAIT_MS 3600000

struct prober {
    struct ladder ladder; /* of the thread, as are the next three */
    struct check check;
    struct unread unread;
    struct missing missing;
    struct order order;

    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum p11_rung wanted;
    uint64_t wanted_in;              /* the generation that failed */
    struct ladder_keyrings adopting; /* handed over, not taken yet */
    unsigned waiters;
    bool climbing;
    bool doubts; /* a home is doubted */
    bool stop;
};

struct work {
    enum p11_rung rung;
    bool retry;                   /* time to look for what is down */
    struct ladder_keyrings adopt; /* none: nothing to adopt */
};

static struct timespec at(int64_t ms)
{
    if (ms == INT64_MAX)
        ms = watch_now() + LONGEST_WAIT_MS;
    return watch_timespec(ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
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
    ladder_climb(&prober->ladder, P11_RUNG_LOGIN, false);
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
        ladder_climb(&prober->ladder, P11_RUNG_LOGIN, false);
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
    return prober->stop || prober->wanted != P11_RUNG_NONE || prober->adopting.count > 0 ||
           prober->doubts || order_is_given(&prober->order);
}

static bool next_work(struct prober *prober, struct work *ret_work)
{
    /* All keys are looked at for this, so before the lock, which signers take. */
    int64_t retry_at = prober->ladder.retry_at,
            due = earlier(check_due(&prober->check, &prober->ladder),
                          unread_due(&prober->unread, &prober->ladder));
    due = earlier(due, missing_due(&prober->missing, &prober->ladder));
    struct timespec deadline = at(earlier(due, retry_at));
    int waited = 0;
    pthread_mutex_lock(&prober->lock);
    prober->climbing = false;
    if (prober->wanted_in != atomic_load(&prober->ladder.module->generation))
        prober->wanted = P11_RUNG_NONE; /* recovered since */
    pthread_cond_broadcast(&prober->changed);
    while (!has_work(prober) && waited == 0)
        waited =
            pthread_cond_clockwait(&prober->changed, &prober->lock, CLOCK_MONOTONIC, &deadline);
    ret_work->rung = prober->wanted;
    ret_work->retry = prober->wanted == P11_RUNG_NONE && retry_at <= watch_now();
    ret_work->adopt = prober->adopting;
    prober->wanted = P11_RUNG_NONE;
    prober->adopting = (struct ladder_keyrings){.count = 0};
    prober->doubts = false;
    prober->climbing = true;
    bool more = !prober->stop;
    pthread_mutex_unlock(&prober->lock);
    return more;
}

static void look_through(struct prober *prober)
{
    enum p11_rung rung = unread_run(&prober->unread, &prober->ladder);
    if (rung == P11_RUNG_NONE)
        rung = missing_run(&prober->missing, &prober->ladder);
    if (rung == P11_RUNG_NONE)
        rung = check_run(&prober->check, &prober->ladder);
    if (rung != P11_RUNG_NONE)
        ladder_climb(&prober->ladder, rung, true);
}

static void *run(void *argument)
{
    struct prober *prober = argument;
    struct work work;
    ladder_climb(&prober->ladder, P11_RUNG_MODULE, false);
    while (next_work(prober, &work)) {
        if (work.adopt.count > 0)
            ladder_adopt(&prober->ladder, work.adopt);
        if (work.rung != P11_RUNG_NONE)
            ladder_climb(&prober->ladder, work.rung, true);
        if (work.retry)
            ladder_retry(&prober->ladder);
        if (order_take(&prober->order))
            carry_out(prober);
        look_through(prober);
    }
    ladder_let_go(&work.adopt);
    module_shut(prober->ladder.module);
    return NULL;
}

int prober_start(struct module *module, struct token **tokens, size_t token_count,
                 struct keyring *keyring, const struct ladder_events *events, void *context,
                 struct prober **ret_prober, struct p11_error *error)
{
    struct prober *prober = calloc(1, sizeof *prober);
    if (!prober)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    *prober = (struct prober){.climbing = true};
    prober->ladder = (struct ladder){.module = module,
                                     .tokens = tokens,
                                     .token_count = token_count,
                                     .events = events,
                                     .context = context,
                                     .keyrings = ladder_keep(keyring, NULL)};
    pthread_mutex_init(&prober->ladder.lock, NULL);
    for (size_t i = 0; i < token_count; i++) {
        tokens[i]->prober = prober;
        tokens[i]->crypto = keyring->crypto;
    }
    order_init(&prober->order);
    pthread_mutex_init(&prober->lock, NULL);
    pthread_cond_init(&prober->changed, NULL);
    int r = pthread_create(&prober->thread, NULL, run, prober);
    if (r != 0) {
        prober_free(prober);
        return p11_error_text(error, P11_MEMORY, "cannot start a thread: %s", strerror(r));
    }
    *ret_prober = prober;
    return 0;
}

void prober_end_orders(struct prober *prober)
{
    order_end(&prober->order);
}

void prober_stop(struct prober *prober)
{
    pthread_mutex_lock(&prober->lock);
    prober->stop = true;
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
    order_end(&prober->order);
}

pthread_t prober_thread(const struct prober *prober)
{
    return prober->thread;
}

void prober_free(struct prober *prober)
{
    ladder_let_go(&prober->ladder.keyrings);
    order_clear(&prober->order);
    pthread_cond_destroy(&prober->changed);
    pthread_mutex_destroy(&prober->ladder.lock);
    pthread_mutex_destroy(&prober->lock);
    free(prober);
}

void prober_adopt(struct prober *prober, struct keyring *keyring, struct keyring *next)
{
    pthread_mutex_lock(&prober->lock);
    ladder_let_go(&prober->adopting);
    prober->adopting = ladder_keep(keyring, next);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
}

void prober_want(struct prober *prober, enum p11_rung rung, uint64_t generation)
{
    if (!prober)
        return;
    pthread_mutex_lock(&prober->lock);
    if (generation == atomic_load(&prober->ladder.module->generation) && rung > prober->wanted) {
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

void prober_doubt(struct prober *prober, struct key_home *home)
{
    if (!prober || atomic_exchange(&home->doubted, true))
        return;
    pthread_mutex_lock(&prober->lock);
    prober->doubts = true;
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
}

bool prober_wait(struct prober *prober, int64_t deadline)
{
    if (!prober)
        return false;
    struct timespec until = at(deadline);
    pthread_mutex_lock(&prober->lock);
    bool busy = (prober->climbing || prober->wanted != P11_RUNG_NONE) &&
                !atomic_load(&prober->ladder.module->hangs) &&
                prober->waiters <= atomic_load(&prober->ladder.module->room) / WAITERS_SHARE;
    int waited = busy ? 0 : ETIMEDOUT;
    prober->waiters++;
    while ((prober->climbing || prober->wanted != P11_RUNG_NONE) && waited == 0 &&
           !atomic_load(&prober->ladder.module->hangs))
        waited = pthread_cond_clockwait(&prober->changed, &prober->lock, CLOCK_MONOTONIC, &until);
    prober->waiters--;
    pthread_mutex_unlock(&prober->lock);
    return busy && waited == 0;
}

static void go_down(struct prober *prober)
{
    char why[P11_ERROR_TEXT_MAX] = "a call of its module hangs";
    const struct module *loaded = module_being_loaded(prober->ladder.module);
    if (loaded)
        snprintf(why, sizeof why, "module %.200s hangs while it is loaded", module_name(loaded));
    ladder_go_down(&prober->ladder, why);
    pthread_mutex_lock(&prober->lock);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->lock);
}

int64_t prober_look_after(struct prober *prober, unsigned *ret_slow)
{
    struct module *module = prober->ladder.module;
    int64_t now = watch_awake(), lasts = now - ladder_oldest_call(&prober->ladder, now, ret_slow);
    bool hung = atomic_load(&module->hangs);
    if (lasts >= PROBER_HANG_MS && !hung) {
        atomic_fetch_add(&module->climbed[P11_RUNG_PROCESS], 1);
        go_down(prober);
    } else if (lasts < PROBER_HANG_MS && hung) {
        atomic_store(&module->hangs, false);
        prober_want(prober, P11_RUNG_LOGIN, atomic_load(&module->generation));
    }
    return lasts;
}
