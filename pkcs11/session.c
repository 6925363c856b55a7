/* The pool of a token's sessions: taken without a lock while one is free. */
#include "config.h"
#include "pkcs11/session.h"
#include "pkcs11/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int session_pool_init(struct session_pool *pool, unsigned max, struct p11_error *error)
{
    struct session *sessions = aligned_alloc(alignof(struct session), max * sizeof *sessions);
    if (!sessions)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    memset(sessions, 0, max * sizeof *sessions);
    pool->sessions = sessions;
    pool->max = max;
    pool->flags = CKF_SERIAL_SESSION;
    pool->shared = false;
    atomic_store(&pool->usable, max);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    return 0;
}

void session_pool_free(struct session_pool *pool)
{
    if (!pool->sessions)
        return;
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool->sessions);
    pool->sessions = NULL;
}

void session_pool_forget(struct session_pool *pool)
{
    for (unsigned i = 0; i < pool->max; i++)
        pool->sessions[i].generation = 0;
    pool->shared = false;
}

void session_pool_close(struct session_pool *pool, CK_FUNCTION_LIST *fn)
{
    for (unsigned i = 0; i < pool->max; i++)
        if (pool->sessions[i].generation != 0)
            fn->C_CloseSession(pool->sessions[i].handle);
    session_pool_forget(pool);
}

void session_pool_share(struct session_pool *pool, CK_SESSION_HANDLE handle, uint64_t generation)
{
    pool->sessions[0].handle = handle;
    pool->sessions[0].generation = generation;
    pool->shared = true;
    atomic_store(&pool->usable, 1);
}

unsigned session_pool_slow(const struct session_pool *pool, int64_t now, int64_t *ret_since)
{
    unsigned slow = 0;
    for (unsigned i = 0; i < pool->max; i++) {
        int64_t since = atomic_load(&pool->sessions[i].since);
        if (since == 0 || now - since <= SESSION_WAIT_MS)
            continue;
        if (slow++ == 0 || since < *ret_since)
            *ret_since = since;
    }
    return slow;
}

void session_pool_count(const struct session_pool *pool, unsigned *ret_open, unsigned *ret_taken)
{
    unsigned open = 0, taken = 0;
    for (unsigned i = 0; i < pool->max; i++) {
        open += atomic_load(&pool->sessions[i].generation) != 0;
        taken += atomic_load(&pool->sessions[i].since) != 0;
    }
    *ret_open = open;
    *ret_taken = taken;
}

/* Takes a free place from `hint` on: one with an open session of this generation, or, where
 * `open` is false, any other. */
static struct session *take_place(struct session_pool *pool, uint64_t generation, unsigned hint,
                                  bool open)
{
    unsigned usable = atomic_load_explicit(&pool->usable, memory_order_relaxed);
    int64_t now = watch_now();
    for (unsigned i = 0; i < usable; i++) {
        struct session *session = &pool->sessions[(hint + i) % usable];
        int64_t free = 0;
        /* In one order with `waiting`: who begins to wait sees what is freed (free_place). */
        if (atomic_load(&session->since) != 0 ||
            !atomic_compare_exchange_strong(&session->since, &free, now))
            continue;
        if ((session->generation == generation) == open)
            return session;
        atomic_store(&session->since, 0);
    }
    return NULL;
}

static void free_place(struct session_pool *pool, struct session *session)
{
    atomic_store(&session->since, 0);
    if (atomic_load(&pool->waiting) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->returned);
        pthread_mutex_unlock(&pool->lock);
    }
}

static int open_session(CK_FUNCTION_LIST *fn, CK_SLOT_ID slot, CK_FLAGS flags, uint64_t generation,
                        struct session *session, struct p11_error *error)
{
    CK_RV rv = fn->C_OpenSession(slot, flags, NULL, NULL, &session->handle);
    if (rv == CKR_OK) {
        session->generation = generation;
        return 0;
    }
    session->generation = 0;
    return p11_error_call(error, rv == CKR_SESSION_COUNT ? P11_BUSY : P11_UNAVAILABLE,
                          "C_OpenSession", rv);
}

/* One try, without waiting. */
static int try_take(struct session_pool *pool, CK_FUNCTION_LIST *fn, CK_SLOT_ID slot,
                    uint64_t generation, unsigned hint, struct session **ret_session,
                    struct p11_error *error)
{
    struct session *session = take_place(pool, generation, hint, true);
    if (!session) {
        session = take_place(pool, generation, hint, false);
        if (!session)
            return p11_error_text(error, P11_BUSY, "all %u sessions are in use",
                                  atomic_load(&pool->usable));
        int r = open_session(fn, slot, pool->flags, generation, session, error);
        if (r < 0) {
            /* Nobody is told: where opening fails, it fails for those who wait as well. */
            atomic_store(&session->since, 0);
            return r;
        }
    }
    *ret_session = session;
    return 0;
}

static struct timespec deadline_in(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

int session_take(struct session_pool *pool, CK_FUNCTION_LIST *fn, CK_SLOT_ID slot,
                 uint64_t generation, unsigned hint, struct session **ret_session,
                 struct p11_error *error)
{
    int r = try_take(pool, fn, slot, generation, hint, ret_session, error);
    int64_t since;
    if (r != P11_BUSY || session_pool_slow(pool, watch_now(), &since) >= atomic_load(&pool->usable))
        return r;
    struct timespec deadline = deadline_in(SESSION_WAIT_MS);
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->waiting, 1);
    int waited = 0;
    while ((r = try_take(pool, fn, slot, generation, hint, ret_session, error)) == P11_BUSY &&
           waited == 0)
        waited = pthread_cond_timedwait(&pool->returned, &pool->lock, &deadline);
    atomic_fetch_sub(&pool->waiting, 1);
    pthread_mutex_unlock(&pool->lock);
    return r;
}

void session_return(struct session_pool *pool, struct session *session)
{
    free_place(pool, session);
}

void session_discard(struct session_pool *pool, CK_FUNCTION_LIST *fn, struct session *session)
{
    if (!pool->shared) {
        fn->C_CloseSession(session->handle);
        session->generation = 0;
    }
    free_place(pool, session);
}
