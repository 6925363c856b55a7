/* The configuration in force: read again at SIGHUP, and which of its profiles are ready. */
#ifndef HINTSIGN_AGENT_RELOAD_H
#define HINTSIGN_AGENT_RELOAD_H

#include "agent/serve.h"

#define RELOAD_SECONDS 10 /* for the modules to resolve the keys of a new configuration */

/* Used by the main thread alone. Zero-initialise and set the first three. */
struct reload {
    struct service *service;
    const char *path;         /* of agent.json */
    const struct conf *first; /* what cannot change is compared with it */
    struct conf *next;        /* read, and not yet resolved by every module */
    int64_t deadline;
    bool *ready;       /* which profiles were, when it was last reported ... */
    unsigned reported; /* ... of this configuration */
};

void reload_free(struct reload *reload);

/* Reads the configuration again; it takes effect when the modules have resolved its keys. One with
 * a mistake is reported, and the old one stays, whole. */
void reload_begin(struct reload *reload);

/* Lets the next configuration take effect, if there is one, when its keys are resolved or waiting
 * has been enough. */
void reload_finish(struct reload *reload);

/* Looks again at the files with the keys of providers, and logs which profiles are ready: every
 * one that is not when the configuration is new, and afterwards the changes. */
void reload_report(struct reload *reload, const struct conf *conf);

#endif
