/* Keeps the files of all issuers fresh. */
#ifndef HINTSIGN_FETCH_KEEPER_H
#define HINTSIGN_FETCH_KEEPER_H

/* From the command line; all borrowed. */
struct keeper_options {
    const char *config;
    const char *ca_file; /* or NULL: as configured */
    const char *proxy;   /* or NULL: as configured */
    long seconds;        /* for one request */
};

/* Both block SIGHUP, SIGINT and SIGTERM and return the exit status. */

/* Fetches every issuer once. 0: all; 1: not all, or the configuration is wrong. */
int keeper_once(const struct keeper_options *options);

/* Fetches every issuer, now and whenever its time has come, until SIGTERM or SIGINT. SIGHUP reads
 * the configuration again and fetches all. 0: orderly end; 1: the configuration is wrong. */
int keeper_stay(const struct keeper_options *options);

#endif
