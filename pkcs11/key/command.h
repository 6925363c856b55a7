/* What a command of hintsign-key is: a row of the table in main.c. */
#ifndef HINTSIGN_KEY_COMMAND_H
#define HINTSIGN_KEY_COMMAND_H

#include "pkcs11/error.h"

struct options;

struct command {
    const char *name;
    /* Does the work and prints the result. Returns 0, or a negative p11_code with *error. */
    int (*run)(const struct options *options, struct p11_error *error);
    unsigned needs;      /* the options (enum option) without which it does not run ... */
    unsigned takes;      /* ... and those that it takes as well */
    unsigned tokens_max; /* times that --token may be given */
    const char *summary;
};

#endif
