/* Recovery of one module's tokens, rung by rung (doc/architecture.md, "The ladder").
 *
 * One thread climbs, the prober's; what other threads may call says so. */
#ifndef HINTSIGN_PKCS11_LADDER_H
#define HINTSIGN_PKCS11_LADDER_H

#include "pkcs11/key.h"
#include "pkcs11/watch.h"

/* Called on the climbing thread; token_changed and withdrawn in ladder_go_down, too. */
struct ladder_events {
    /* A token changed its state, or refused another PIN; `detail` says why it is not up. */
    void (*token_changed)(void *context, struct token *token, enum token_state state,
                          const char *detail);
    /* The keys were resolved anew, or one of them has changed; this is the newest keyring. */
    void (*resolved)(void *context, struct keyring *keyring);
    /* ladder_go_down has withdrawn all keys. The climbing thread may be at its work meanwhile. */
    void (*withdrawn)(void *context, struct keyring *keyring);
    /* A key has given a wrong known answer: what it has signed there since then may be wrong. */
    void (*doubtful)(void *context, const struct key *key, const struct token *token, time_t since);
    /* Objects of a token cannot be read, or all of them can again: see its index. */
    void (*unread)(void *context, const struct token *token);
};

/* What tokens are resolved for: the keyring of the configuration in force and, while a reload waits
 * for other modules, the next one. */
struct ladder_keyrings {
    struct keyring *list[2];
    size_t count;
};

struct ladder {
    struct module *module; /* borrowed, as the tokens are */
    struct token **tokens;
    size_t token_count;
    const struct ladder_events *events;
    void *context;
    struct watch watch;
    long retry_ms;      /* from one try to bring back a token to the next ... */
    int64_t retry_at;   /* ... which is then (watch_now); INT64_MAX: none is down */
    int64_t restart_at; /* not before this is the module started anew beside tokens that serve */

    pthread_mutex_t lock; /* whoever changes what follows has it */
    struct ladder_keyrings keyrings;
    _Atomic unsigned hangs; /* calls of ladder_go_down */
};

/* With a reference to each; `next` may be NULL. */
struct ladder_keyrings ladder_keep(struct keyring *keyring, struct keyring *next);

/* Drops the references; there are none afterwards. */
void ladder_let_go(struct ladder_keyrings *keyrings);

/* Keeps the others out and climbs to the rung: logs in again, or starts the module anew. `failed`:
 * a call has failed, so no login is trusted to last. */
void ladder_climb(struct ladder *ladder, enum p11_rung rung, bool failed);

/* Takes over the references. Where one of the keyrings is new, indexes every token again and
 * resolves its keys, beside running signers where it can. */
void ladder_adopt(struct ladder *ladder, struct ladder_keyrings keyrings);

/* The rung after an error on the session that keeps a login, which is not replaced without a new
 * login. */
enum p11_rung ladder_rung(const struct p11_error *error);

/* Tries to bring back what is down, when retry_at has come. */
void ladder_retry(struct ladder *ladder);

/* Tells which keys' signatures have become doubtful, and, where keys have changed, that they have.
 */
void ladder_tell(struct ladder *ladder, bool changed);

/* From another thread, because a call hangs: the module does, and every token is down, for this
 * reason. A climb that is under way lets nobody in before it has brought them up again. */
void ladder_go_down(struct ladder *ladder, const char *why);

/* From any thread: since when the longest of the calls that are under way now has lasted, or `now`,
 * both of watch_awake. *ret_slow is how many signers have held a session for longer than
 * SESSION_WAIT_MS. */
int64_t ladder_oldest_call(struct ladder *ladder, int64_t now, unsigned *ret_slow);

#endif
