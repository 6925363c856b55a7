/* The command line of hintsign-key, parsed once. */
#ifndef HINTSIGN_KEY_OPTIONS_H
#define HINTSIGN_KEY_OPTIONS_H

#include "pkcs11/object.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_TOKENS_MAX 8

struct command;
struct derivation;
struct keyspec;
struct mech;

/* Everything is borrowed from the command line or from const tables. */
struct options {
    const char *tokens[OPTIONS_TOKENS_MAX]; /* URIs */
    size_t token_count;
    const char *label; /* NULL where not given */
    unsigned char id[OBJECT_ID_MAX];
    size_t id_len;                       /* 0 where not given */
    const struct derivation *derivation; /* NULL: the secret itself is the key */
    const struct mech *mech;             /* HS256 where not given */
    const struct keyspec *keyspec;       /* NULL where not given */
    const char *secret_file;             /* NULL where not given */
    const char *wrapped;                 /* NULL where not given; then ... */
    const char *unwrap_with;             /* ... this is NULL as well */
    const char *kek;                     /* NULL where not given */
    const char *fingerprint;             /* NULL where not given */
    const char *compare;                 /* NULL where not given */
    const char *transcript;              /* NULL where not given */
    bool allow_short;
    bool json;
    bool yes;
    bool help; /* then nothing else is checked */
};

/* Parses the options of a command; argv[0] is its name. Returns 0, or -1 with a sentence in
 * `problem`. */
int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  char *problem, size_t problem_size);

/* Prints what the command does and its options. */
void options_help(const struct command *command);

#endif
