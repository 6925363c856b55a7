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

/* The options, each a bit: commands say which they need and which they take (command.h). */
enum option {
    OPTION_TOKEN = 1 << 0,
    OPTION_LABEL = 1 << 1,
    OPTION_ID = 1 << 2,
    OPTION_TYPE = 1 << 3,
    OPTION_ALGORITHM = 1 << 4,
    OPTION_DERIVE = 1 << 5,
    OPTION_SECRET_FILE = 1 << 6,
    OPTION_ALLOW_SHORT = 1 << 7,
    OPTION_WRAPPED = 1 << 8,
    OPTION_UNWRAP_WITH = 1 << 9,
    OPTION_KEK = 1 << 10,
    OPTION_FINGERPRINT = 1 << 11,
    OPTION_COMPARE = 1 << 12,
    OPTION_TRANSCRIPT = 1 << 13,
    OPTION_JSON = 1 << 14,
    OPTION_YES = 1 << 15,
    OPTION_HELP = 1 << 16, /* every command takes it */
};

/* Where a client secret comes from, and what becomes of it before it is a key. */
#define OPTIONS_SECRET (OPTION_ALGORITHM | OPTION_DERIVE | OPTION_SECRET_FILE | OPTION_ALLOW_SHORT)

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
