/* What a command of hintsign-audit is: a row of the table in main.c. */
#ifndef HINTSIGN_AUDIT_COMMAND_H
#define HINTSIGN_AUDIT_COMMAND_H

#include <stdarg.h>

/* The program's exit status. */
enum command_status {
    COMMAND_OK = 0,
    COMMAND_BROKEN = 1,   /* a log is not as it was written */
    COMMAND_USAGE = 2,    /* the command line is wrong, or a file cannot be read */
    COMMAND_UNSEALED = 3, /* with --strict: no checkpoint covers the end of the log */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name. Returns the exit status. */
    const char *summary;
};

/* Prints one line on standard error. Returns COMMAND_USAGE. */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
