/* Hands an administrator's order to the thread that carries it out, and its outcome back. */
#include "config.h"
#include "pkcs11/order.h"
#include "pkcs11/watch.h"

void order_init(struct order *order)
{
    *order = (struct order){.stage = ORDER_NONE};
    pthread_mutex_init(&order->lock, NULL);
    pthread_cond_init(&order->changed, NULL);
}

void order_clear(struct order *order)
{
    secret_wipe(&order->pin);
    pthread_cond_destroy(&order->changed);
    pthread_mutex_destroy(&order->lock);
}

int order_give(struct order *order, struct token *token, enum order_wish wish, struct secret *pin,
               struct p11_error *error)
{
    int r = 0;
    pthread_mutex_lock(&order->lock);
    if (order->stage != ORDER_NONE || order->ended) {
        secret_wipe(pin);
        r = p11_error_text(error, P11_BUSY, "its module is busy with an earlier order");
    } else {
        order->stage = ORDER_GIVEN;
        order->abandoned = false;
        order->token = token;
        order->wish = wish;
        order->pin = *pin;
        *pin = (struct secret){0};
    }
    pthread_mutex_unlock(&order->lock);
    return r;
}

int order_await(struct order *order, long ms, struct p11_error *error)
{
    struct timespec deadline = watch_timespec(watch_now() + ms);
    int r, waited = 0;
    pthread_mutex_lock(&order->lock);
    while (order->stage != ORDER_DONE && !order->ended && waited == 0)
        waited = pthread_cond_clockwait(&order->changed, &order->lock, CLOCK_MONOTONIC, &deadline);
    if (order->stage == ORDER_DONE) {
        order->stage = ORDER_NONE;
        *error = order->error;
        r = order->code;
    } else {
        order->abandoned = true;
        r = p11_error_text(error, P11_BUSY, "not done yet: its module is busy");
    }
    pthread_mutex_unlock(&order->lock);
    return r;
}

bool order_is_given(struct order *order)
{
    pthread_mutex_lock(&order->lock);
    bool given = order->stage == ORDER_GIVEN;
    pthread_mutex_unlock(&order->lock);
    return given;
}

bool order_take(struct order *order)
{
    pthread_mutex_lock(&order->lock);
    bool given = order->stage == ORDER_GIVEN;
    if (given)
        order->stage = ORDER_UNDER_WAY;
    pthread_mutex_unlock(&order->lock);
    return given;
}

void order_done(struct order *order)
{
    secret_wipe(&order->pin);
    pthread_mutex_lock(&order->lock);
    order->stage = order->abandoned ? ORDER_NONE : ORDER_DONE;
    pthread_cond_broadcast(&order->changed);
    pthread_mutex_unlock(&order->lock);
}

void order_end(struct order *order)
{
    pthread_mutex_lock(&order->lock);
    order->ended = true;
    pthread_cond_broadcast(&order->changed);
    pthread_mutex_unlock(&order->lock);
}
