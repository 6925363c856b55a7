/* What all commands of hintsign(1) share: options, exit status, one-line errors. */
#ifndef HINTSIGN_CLI_H
#define HINTSIGN_CLI_H

#include "client/hintsign.h"

#include <getopt.h>
#include <stddef.h>

enum cli_status {
    CLI_OK = 0,
    CLI_REFUSED = 1,     /* the agent said no */
    CLI_USAGE = 2,       /* the command line or a file given there is wrong */
    CLI_UNREACHABLE = 3, /* no agent at the socket */
    CLI_AGAIN = 4,       /* failed now, worth trying again */
};

struct cli {
    const struct command *command; /* NULL before one is named */
    void (*help)(void);            /* prints the program's help */
    const char *socket;            /* NULL: the library's default */
    int timeout_ms;                /* 0: the library's default */
};

struct command {
    const char *name;
    const char *purpose; /* one line for hintsign --help */
    const char *help;    /* its own --help, ended by a newline */
    /* Gets the arguments from the command's name on; returns the exit status. */
    int (*run)(struct cli *cli, int argc, char **argv);
};

/* The options that stand before and behind a command's name. A command's own have values from
 * CLI_OPTION_FIRST on. */
enum {
    CLI_OPTION_HELP = 256,
    CLI_OPTION_VERSION,
    CLI_OPTION_SOCKET,
    CLI_OPTION_TIMEOUT,
    CLI_OPTION_FIRST,
};

/* clang-format off */
#define CLI_OPTIONS \
    {"help", no_argument, NULL, CLI_OPTION_HELP}, \
    {"version", no_argument, NULL, CLI_OPTION_VERSION}, \
    {"socket", required_argument, NULL, CLI_OPTION_SOCKET}, \
    {"timeout", required_argument, NULL, CLI_OPTION_TIMEOUT}, \
    {NULL, 0, NULL, 0}
/* clang-format on */

/* The next option of the command's own (its value in optarg), or -1 after the last, when optind
 * is the first argument. Options may stand behind arguments, unless `rules` is "+:". Serves
 * CLI_OPTIONS itself; --help, --version and wrong options end the program. */
int cli_option(struct cli *cli, int argc, char **argv, const char *rules,
               const struct option *options);

/* A whole number of seconds, 1 to 86,400. Returns CLI_OK or CLI_USAGE. */
int cli_seconds(const char *option, const char *text, int *ret_seconds);

/* Prints `hintsign: NAME: sentence` on standard error and returns `status`. */
int cli_fail(int status, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a wrong command line: the sentence, and where to read on. Returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes a handle as the options say. Returns CLI_OK, or prints why not. */
int cli_open(const struct cli *cli, struct hintsign **ret_handle);

/* For __attribute__((cleanup)). */
void cli_close(struct hintsign **handle);

/* Prints the handle's last error and returns the exit status for it. */
int cli_report(const struct hintsign *handle);

/* The exit status for one of the library's codes. */
int cli_status(int code);

/* Flushes standard output after a success, which may fail: a full disk must not look like one.
 * Returns `status`, or CLI_AGAIN after printing why. A failure has been told already. */
int cli_finish(int status);

#endif
