/* The configuration in force: read again at SIGHUP, and which of its profiles are ready. */
#ifndef HINTSIGN_AGENT_RELOAD_H
#define HINTSIGN_AGENT_RELOAD_H

#include "agent/serve.h"

#define RELOAD_SECONDS 10 /* for the modules to resolve the keys of a new configuration */

/* What became of the reloads that somebody waits for. */
struct reload_outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t asked;             /* so many were asked for ... */
    uint64_t answered;          /* ... of which so many have ended */
    unsigned configuration;     /* the one in force after the last of them */
    char error[CONF_ERROR_MAX]; /* why it is still the old one; or "" */
    bool ended;                 /* there are no more */
};

/* A configuration that was read and is not in force yet. */
struct coming {
    struct conf *conf; /* or NULL: none */
    uint64_t asked;    /* the last one that was asked for when the files were read */
    int64_t deadline;  /* for its keys to be resolved, once that has begun (watch_awake) */
};

/* Used by the main thread alone, but for reload_ask and reload_end. */
struct reload {
    struct service *service;
    const char *path;         /* of agent.json */
    const struct conf *first; /* what cannot change is compared with it */
    struct coming next;       /* not yet resolved by every module */
    struct coming after;      /* read meanwhile: begins when `next` is in force */
    bool *ready;              /* which profiles were, when it was last reported ... */
    unsigned reported;        /* ... of this configuration */
    uint64_t begun;           /* the last one that was asked for when the files were read */
    struct reload_outcome outcome;
};

/* `path` is that of agent.json; all are borrowed. */
void reload_init(struct reload *reload, struct service *service, const char *path,
                 const struct conf *first);

void reload_free(struct reload *reload);

/* Reads the configuration again; it takes effect when the modules have resolved its keys. One with
 * a mistake is reported, and the old one stays, whole; so does one that was read before and has not
 * taken effect yet. */
void reload_begin(struct reload *reload);

/* Lets the next configuration take effect, if there is one, when its keys are resolved or waiting
 * has been enough. */
void reload_finish(struct reload *reload);

/* On another thread, one at a time: asks for a reload, as SIGHUP does, and waits for its end, at
 * most `ms`.
 * Returns 0 with the number of the configuration in force, REFUSAL_INVALID_CONFIGURATION with what
 * is wrong in `error`, or REFUSAL_NOT_DONE. */
int reload_ask(struct reload *reload, long ms, unsigned *ret_configuration,
               char error[static CONF_ERROR_MAX]);

/* Lets go whoever waits, now and later. */
void reload_end(struct reload *reload);

/* Looks again at the files with the keys of providers, and logs which profiles are ready: every
 * one that is not when the configuration is new, and afterwards the changes. */
void reload_report(struct reload *reload, const struct conf *conf);

#endif
