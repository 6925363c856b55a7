/* The inside of the audit log: for audit.c, audit_open.c and audit_upkeep.c alone. */
#ifndef HINTSIGN_AGENT_AUDIT_INTERNAL_H
#define HINTSIGN_AGENT_AUDIT_INTERNAL_H

#include "agent/audit.h"
#include "agent/audit_file.h"
#include "agent/audit_rotate.h"

#include <pthread.h>

struct audit {
    char *path;
    struct audit_file file;
    struct audit_state state;
    enum conf_sync sync;
    const EVP_MD *sha256;
    EVP_MD_CTX *line_hash; /* under the lock */
    bool has_gap;          /* behind its state: never changes while it is open */
    bool state_unwritten;  /* the state's last write failed; of whoever writes it */
    bool state_unsynced;   /* its last sync failed; of the upkeep's thread */

    pthread_mutex_t lock;   /* of all below, and of `file` while there is no leader */
    pthread_cond_t changed; /* a commit ended */
    pthread_cond_t grown;   /* for audit_wait */
    int64_t awaited;        /* by audit_wait */
    bool woken;
    bool leading;        /* somebody writes `writing`, without the lock */
    bool rotating;       /* nothing is appended until there is a new file */
    bool dirty;          /* written, and not on disk yet */
    int write_error;     /* of the last write: 0 or a negative errno */
    int sync_error;      /* of the last audit_tick */
    struct text pending; /* appended lines that nobody writes yet */
    struct text writing;
    struct audit_mark last;    /* with all that was appended */
    struct audit_mark durable; /* with all that was committed */
    struct audit_mark synced;  /* with all that is on disk ... */
    time_t synced_at;          /* ... since then */
    uint64_t ticket;           /* counts all that was ever appended, also what was lost */
    uint64_t settled_ticket;   /* up to this one all was committed or lost */
    uint64_t epoch;            /* raised when a write fails: what was not settled is lost */
    uint64_t epoch_floor;      /* the last ticket that was settled before */
};

/* Adds a line to what is pending; with `dated` the members begin with the time. With the lock
 * held. */
int audit_add_line(struct audit *audit, const struct text *members, bool dated, int64_t *ret_id);

/* Writes all that is pending, for everybody who waits, perhaps into a new file. Returns 0 or a
 * negative errno. With the lock held, which is given up meanwhile. */
int audit_lead(struct audit *audit, struct audit_rotation *rotation);

/* Keeps the mark in the state. Returns 0 or a negative errno, which was logged. Only for the leader
 * or the upkeep's thread: never both, because of `sync`. */
int audit_remember(struct audit *audit, const struct audit_mark *mark);

/* Sets state_unwritten or state_unsynced, and warns when that begins. */
void audit_report_state(bool *failing, int r);

/* Everything up to the mark is on disk. With the lock held. */
void audit_advance(struct audit *audit, const struct audit_mark *mark);

/* Sets write_error or sync_error, and says in the log when that changes whether the log can be
 * written. With the lock held. */
void audit_report(struct audit *audit, int *error, int r);

#endif
