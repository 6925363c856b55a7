/* Serves MintNext on a thread of its own: one message at a time, and nobody waits for ever. */
#include "config.h"
#include "agent/admin_mint.h"
#include "agent/clock.h"
#include "agent/refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct admin_mint {
    pthread_t thread;
    pthread_mutex_t lock; /* of the next three */
    pthread_cond_t changed;
    enum { MINT_NONE, MINT_ASKED, MINT_DONE } stage;
    bool abandoned; /* nobody waits for it any more */
    bool ended;     /* no more are taken */
    /* While one is asked for, these are the thread's: */
    char message[ADMIN_MINT_MESSAGE_MAX];
    size_t length;
    struct peer peer;
    struct serving serving;
};

static void serve(struct admin_mint *mint)
{
    struct serving *serving = &mint->serving;
    struct conf *conf = service_conf(serving->service);
    serve_clear(serving);
    serve_admin(serving, conf, &mint->peer, mint->message, mint->length);
    serve_commit(serving);
    conf_unref(conf);
}

static void *run(void *argument)
{
    struct admin_mint *mint = argument;
    pthread_mutex_lock(&mint->lock);
    while (!mint->ended) {
        if (mint->stage != MINT_ASKED) {
            pthread_cond_wait(&mint->changed, &mint->lock);
            continue;
        }
        pthread_mutex_unlock(&mint->lock);
        serve(mint);
        explicit_bzero(mint->message, sizeof mint->message);
        peer_clear(&mint->peer);
        pthread_mutex_lock(&mint->lock);
        mint->stage = mint->abandoned ? MINT_NONE : MINT_DONE;
        pthread_cond_broadcast(&mint->changed);
    }
    pthread_mutex_unlock(&mint->lock);
    return NULL;
}

static void free_mint(struct admin_mint *mint)
{
    explicit_bzero(mint->message, sizeof mint->message); /* asked for, but not served */
    serve_free(&mint->serving);
    peer_clear(&mint->peer);
    pthread_cond_destroy(&mint->changed);
    pthread_mutex_destroy(&mint->lock);
    free(mint);
}

int admin_mint_start(struct service *service, struct admin_mint **ret_mint)
{
    struct admin_mint *mint = calloc(1, sizeof *mint);
    if (!mint)
        return -ENOMEM;
    mint->serving.service = service;
    pthread_mutex_init(&mint->lock, NULL);
    pthread_cond_init(&mint->changed, NULL);
    int r = pthread_create(&mint->thread, NULL, run, mint);
    if (r != 0) {
        free_mint(mint);
        return -r;
    }
    *ret_mint = mint;
    return 0;
}

/* With the lock held. The caller may be gone before his message is served. */
static int take(struct admin_mint *mint, const struct peer *peer, const char *message,
                size_t length)
{
    if (mint->stage != MINT_NONE || mint->ended || length > sizeof mint->message)
        return REFUSAL_NOT_DONE;
    mint->peer = *peer;
    mint->peer.groups = NULL; /* no entry of `allow` is asked */
    mint->peer.group_count = 0;
    mint->peer.unit = peer->unit ? strdup(peer->unit) : NULL;
    memcpy(mint->message, message, length);
    mint->length = length;
    mint->abandoned = false;
    mint->stage = MINT_ASKED;
    pthread_cond_broadcast(&mint->changed);
    return 0;
}

int admin_mint_run(struct admin_mint *mint, const struct peer *peer, const char *message,
                   size_t length, long ms, struct text *reply)
{
    struct timespec deadline = clock_in(ms);
    int waited = 0;
    pthread_mutex_lock(&mint->lock);
    int r = take(mint, peer, message, length);
    while (r == 0 && mint->stage != MINT_DONE && !mint->ended && waited == 0)
        waited = pthread_cond_clockwait(&mint->changed, &mint->lock, CLOCK_MONOTONIC, &deadline);
    if (r == 0 && mint->stage == MINT_DONE) {
        const struct text *replies = &mint->serving.replies;
        text_add(reply, replies->data, replies->length);
        reply->failed |= replies->failed;
        mint->stage = MINT_NONE;
    } else if (r == 0) {
        mint->abandoned = true;
        r = REFUSAL_NOT_DONE;
    }
    pthread_mutex_unlock(&mint->lock);
    return r;
}

void admin_mint_end(struct admin_mint *mint)
{
    pthread_mutex_lock(&mint->lock);
    mint->ended = true;
    pthread_cond_broadcast(&mint->changed);
    pthread_mutex_unlock(&mint->lock);
}

bool admin_mint_stop(struct admin_mint *mint, int seconds)
{
    if (!mint)
        return true;
    struct timespec deadline = clock_in(seconds * 1000L);
    admin_mint_end(mint);
    if (!clock_join(mint->thread, &deadline))
        return false;
    free_mint(mint);
    return true;
}
