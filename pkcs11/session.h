/* The pool of a token's sessions: taken for one signature, returned or discarded. */
#ifndef HINTSIGN_PKCS11_SESSION_H
#define HINTSIGN_PKCS11_SESSION_H

#include "pkcs11/error.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SESSION_DEFAULT_MAX 16
#define SESSION_LIMIT       1024
#define SESSION_WAIT_MS     1000 /* for another's session to come back; one held longer is slow */

/* Each on its own cache line: workers do not share. */
struct session {
    alignas(64) _Atomic int64_t since; /* when it was taken, watch_awake; 0: free */
    CK_SESSION_HANDLE handle;
    _Atomic uint64_t generation; /* of the handle; 0: not open */
};

struct session_pool {
    struct session *sessions;
    unsigned max;               /* sessions that there are places for */
    CK_FLAGS flags;             /* that they are opened with */
    bool shared;                /* the only one keeps the login, too (session_pool_share) */
    _Atomic unsigned usable;    /* ... and that the token allows */
    _Atomic unsigned granted;   /* that were open when it refused another ... */
    _Atomic int64_t refused_at; /* ... which was then (watch_now); 0: it has not */
    _Atomic unsigned waiting;
    pthread_mutex_t lock;
    pthread_cond_t returned;
};

/* Errors: P11_MEMORY. */
int session_pool_init(struct session_pool *pool, unsigned max, struct p11_error *error);

/* Frees the places. The sessions must be closed. */
void session_pool_free(struct session_pool *pool);

/* Forgets all sessions, because the token has closed them. Nobody may hold one. */
void session_pool_forget(struct session_pool *pool);

/* Closes all sessions. Nobody may hold one. */
void session_pool_close(struct session_pool *pool, CK_FUNCTION_LIST *fn);

/* Makes this session, which is open already, the only one: for a token that allows no other. Its
 * module must let one caller in at a time. Nobody may hold one. */
void session_pool_share(struct session_pool *pool, CK_SESSION_HANDLE handle, uint64_t generation);

/* How many sessions have been held for longer than SESSION_WAIT_MS, and since when the one
 * that has been held longest; *ret_since is written where there is one. `now` is of watch_awake.
 * Takes no lock. */
unsigned session_pool_slow(const struct session_pool *pool, int64_t now, int64_t *ret_since);

/* How many sessions are open, and how many of them are taken now. Takes no lock. */
void session_pool_count(const struct session_pool *pool, unsigned *ret_open, unsigned *ret_taken);

/* Takes a session of this generation, an open one if there is one, or opens one. The caller has
 * entered the module and `generation` is what module_enter gave him. `hint` spreads callers over
 * the places: the same hint finds the same session. Waits at most SESSION_WAIT_MS, and not at all
 * where all sessions have been held for that long. A token that has refused one for lack of room is
 * not asked for more within that time.
 * Errors: P11_BUSY, P11_UNAVAILABLE. */
int session_take(struct session_pool *pool, CK_FUNCTION_LIST *fn, CK_SLOT_ID slot,
                 uint64_t generation, unsigned hint, struct session **ret_session,
                 struct p11_error *error);

/* Gives a session back after everything on it went well, or nothing but the data were wrong. */
void session_return(struct session_pool *pool, struct session *session);

/* Closes a session on which anything else failed, and frees its place. The one that keeps the login
 * stays open: everybody would lose it. Where it fails again, recovery replaces it. */
void session_discard(struct session_pool *pool, CK_FUNCTION_LIST *fn, struct session *session);

#endif
