/* What an administrator wants of a token: given by one thread, carried out by the prober's. */
#ifndef HINTSIGN_PKCS11_ORDER_H
#define HINTSIGN_PKCS11_ORDER_H

#include "pkcs11/token.h"

enum order_wish {
    ORDER_UNLOCK, /* log in, with his PIN or the one of pin-source, whatever the token counts */
    ORDER_LOCK,   /* log out, and stay so until he unlocks it */
};

/* One at a time. */
struct order {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum { ORDER_NONE, ORDER_GIVEN, ORDER_UNDER_WAY, ORDER_DONE } stage;
    bool abandoned; /* nobody waits for it any more */
    bool ended;     /* no more orders */
    /* While it is under way these belong to the prober's thread: */
    struct token *token; /* borrowed */
    enum order_wish wish;
    struct secret pin; /* may be empty */
    int code;          /* what came of it: 0, P11_LOCKED or P11_UNAVAILABLE ... */
    struct p11_error error;
};

void order_init(struct order *order);
void order_clear(struct order *order); /* wipes the PIN; nobody may wait */

/* Gives an order; the PIN is taken over, or wiped. Returns 0, or P11_BUSY where an earlier one is
 * not done or no more are taken. */
int order_give(struct order *order, struct token *token, enum order_wish wish, struct secret *pin,
               struct p11_error *error);

/* Waits until it is done, at most `ms`. One that nobody waits for is carried out all the same.
 * Errors: those of the order; P11_BUSY (not done yet). */
int order_await(struct order *order, long ms, struct p11_error *error);

/* Whether there is one to carry out. */
bool order_is_given(struct order *order);

/* Takes it, if there is one, and tells that it is done, with `code` and `error` filled in. */
bool order_take(struct order *order);
void order_done(struct order *order);

/* Takes no more orders, and lets go whoever waits. */
void order_end(struct order *order);

#endif
