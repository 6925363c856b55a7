/* The line that every message goes along: request, policy, compose, sign, seal, audit, reply. */
#ifndef HINTSIGN_AGENT_SERVE_H
#define HINTSIGN_AGENT_SERVE_H

#include "agent/audit_keeper.h"
#include "agent/conf.h"
#include "agent/flood.h"
#include "agent/hsm.h"
#include "agent/jose/jose.h"
#include "agent/metrics.h"

/* Messages of one connection that are served before the others get their turn. */
#define SERVE_BATCH_MAX 64

struct limits;
struct workers;

/* What the whole agent serves with. */
struct service {
    struct jose *jose;
    struct crypto *crypto;
    struct audit *audit;
    struct audit_keeper *keeper; /* NULL: what happens to the agent itself is not recorded */
    struct audit_checkpoints *checkpoints;
    struct hsm *hsm;
    struct flood *flood;
    struct peer_sight sight; /* set before anything is served */
    struct rates *rates;
    struct limits *limits;         /* NULL while there is no server */
    const struct workers *workers; /* likewise */
    struct metrics metrics;
    time_t started_at;
    pthread_mutex_t lock;
    struct conf *conf; /* under the lock; use service_conf */
};

/* The configuration as it is now, with a reference for the caller. */
struct conf *service_conf(struct service *service);

/* Replaces the configuration; takes over the caller's reference. */
void service_set_conf(struct service *service, struct conf *conf);

/* The reply to one message of a batch, until it is committed. */
struct answer {
    size_t end;    /* in `replies` */
    bool recorded; /* stands for a record that is not committed yet */
    bool oneway;
    struct metrics_counts *counts; /* where it counts once it is committed; NULL: nowhere */
    int code;                      /* as what */
};

/* One worker's batch and its room to work in. Zero-initialise, set service and number; free with
 * serve_free. */
struct serving {
    struct service *service;
    unsigned number; /* the worker's own: spreads them over the sessions */
    struct audit_batch audit;
    struct text replies; /* whole messages; to be sent after serve_commit */
    struct text claims;
    struct text token;
    struct text parameters;
    char *input; /* memory for requests: see varlink_input */
    struct answer answers[SERVE_BATCH_MAX];
    size_t count;
    int64_t start;           /* of the batch, clock_ns */
    const atomic_uint *idle; /* workers that are free for others; NULL: it does not matter */
    int64_t resume; /* before then (CLOCK_MONOTONIC ms) no more of the caller shall be read */
};

void serve_free(struct serving *serving);

/* Serves one message, whose bytes are changed, under `conf` and adds its reply to the batch, which
 * has room. `conf` must last until serve_commit. Returns false when the connection must end after
 * this reply. */
bool serve_message(struct serving *serving, const struct conf *conf, const struct peer *peer,
                   char *message, size_t length);

/* The same for io.hintsign.Admin.MintNext: the caller has made sure that it is an administrator's.
 */
bool serve_admin(struct serving *serving, const struct conf *conf, const struct peer *peer,
                 char *message, size_t length);

/* Commits the batch's audit records, and counts its requests. Where that fails, every reply that
 * stands for a record is replaced by AuditUnavailable. Then `replies` may leave; clear them for the
 * next batch. */
void serve_commit(struct serving *serving);

/* Begins the next batch. */
void serve_clear(struct serving *serving);

#endif
