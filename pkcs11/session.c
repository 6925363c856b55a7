/* The pool of a token's sessions: taken without a lock while one is free. */
#include "config.h"
#include "pkcs11/session.h"
#include "pkcs11/watch.h"

#include <stdlib.h>
#include <string.h>

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
    atomic_store(&pool->refused_at, 0);
    atomic_store(&pool->waiting, 0);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->returned, NULL);
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
    atomic_store(&pool->refused_at, 0);
}

void session_pool_close(struct session_pool *pool, CK_FUNCTION_LIST *fn)
{
    for (unsigned i = 0; i < pool->max; i++) {
        if (pool->sessions[i].generation == 0)
            continue;
        watch_beat();
        fn->C_CloseSession(pool->sessions[i].handle);
    }
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
    int64_t now = watch_awake();
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

static unsigned count_open(const struct session_pool *pool, uint64_t generation)
{
    unsigned open = 0;
    for (unsigned i = 0; i < pool->max; i++)
        open += atomic_load(&pool->sessions[i].generation) == generation;
    return open;
}

/* How many sessions there may be now. */
static unsigned most_sessions(const struct session_pool *pool)
{
    unsigned usable = atomic_load(&pool->usable), granted = atomic_load(&pool->granted);
    int64_t refused_at = atomic_load(&pool->refused_at);
    bool refused = refused_at != 0 && watch_now() < refused_at + SESSION_WAIT_MS;
    return refused && granted < usable ? granted : usable;
}

/* An open session or, where there may be another, a place for one. */
static struct session *take_any(struct session_pool *pool, uint64_t generation, unsigned hint)
{
    struct session *session = take_place(pool, generation, hint, true);
    if (!session && count_open(pool, generation) < most_sessions(pool))
        session = take_place(pool, generation, hint, false);
    return session;
}

static void note_refusal(struct session_pool *pool, uint64_t generation)
{
    atomic_store(&pool->granted, count_open(pool, generation));
    atomic_store(&pool->refused_at, watch_now());
}

/* Opens the session at a place that was taken, unless it is open. The place is free again where
 * that fails: nobody is told, because it fails for those who wait as well. */
static int open_at(struct session_pool *pool, CK_FUNCTION_LIST *fn, CK_SLOT_ID slot,
                   uint64_t generation, struct session *session, struct p11_error *error)
{
    if (session->generation == generation)
        return 0;
    CK_RV rv = fn->C_OpenSession(slot, pool->flags, NULL, NULL, &session->handle);
    session->generation = rv == CKR_OK ? generation : 0;
    if (rv == CKR_OK)
        return 0;
    if (rv == CKR_SESSION_COUNT)
        note_refusal(pool, generation);
    atomic_store(&session->since, 0);
    return p11_error_call(error, rv == CKR_SESSION_COUNT ? P11_BUSY : P11_UNAVAILABLE,
                          "C_OpenSession", rv);
}

static bool all_are_slow(const struct session_pool *pool)
{
    int64_t since;
    unsigned slow = session_pool_slow(pool, watch_awake(), &since);
    return slow > 0 && slow >= most_sessions(pool);
}

/* NULL: there was none until the deadline. */
static struct session *wait_for_any(struct session_pool *pool, uint64_t generation, unsigned hint,
                                    int64_t deadline)
{
    struct timespec until = watch_timespec(deadline);
    struct session *session;
    int waited = 0;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->waiting, 1);
    while (!(session = take_any(pool, generation, hint)) && waited == 0)
        waited = pthread_cond_clockwait(&pool->returned, &pool->lock, CLOCK_MONOTONIC, &until);
    atomic_fetch_sub(&pool->waiting, 1);
    pthread_mutex_unlock(&pool->lock);
    return session;
}

int session_take(struct session_pool *pool, CK_FUNCTION_LIST *fn, CK_SLOT_ID slot,
                 uint64_t generation, unsigned hint, struct session **ret_session,
                 struct p11_error *error)
{
    struct session *session = take_any(pool, generation, hint);
    int r = session ? open_at(pool, fn, slot, generation, session, error)
                    : p11_error_text(error, P11_BUSY, "all %u sessions are in use",
                                     most_sessions(pool));
    if (r == P11_BUSY && !all_are_slow(pool)) {
        int64_t deadline = watch_now() + SESSION_WAIT_MS;
        while (r == P11_BUSY && (session = wait_for_any(pool, generation, hint, deadline)))
            r = open_at(pool, fn, slot, generation, session, error);
    }
    if (r == 0)
        *ret_session = session;
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
