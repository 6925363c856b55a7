/* What all commands of hintsign(1) share: options, exit status, one-line errors. */
#include "config.h"
#include "client/cli/cli.h"

#include "client/cli/input.h"
#include "client/cli/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS_MAX 86400

static const int statuses[][2] = {
    {HINTSIGN_OK, CLI_OK},           {HINTSIGN_INVALID, CLI_USAGE},
    {HINTSIGN_NO_MEMORY, CLI_AGAIN}, {HINTSIGN_UNREACHABLE, CLI_UNREACHABLE},
    {HINTSIGN_TIMEOUT, CLI_AGAIN},   {HINTSIGN_PROTOCOL, CLI_UNREACHABLE},
    {HINTSIGN_REFUSED, CLI_REFUSED}, {HINTSIGN_UNAVAILABLE, CLI_AGAIN},
};

int cli_status(int code)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i][0] == code)
            return statuses[i][1];
    return CLI_AGAIN;
}

/* Prints the beginning of a line. The name may be that of who answers at a socket, and what the
 * sentence quotes may be anybody's. */
__attribute__((format(printf, 2, 0))) static void print_sentence(const char *name,
                                                                 const char *format,
                                                                 va_list arguments)
{
    __attribute__((cleanup(input_free))) char *sentence = NULL;
    if (vasprintf(&sentence, format, arguments) < 0)
        sentence = NULL;
    fputs("hintsign: ", stderr);
    text_print(stderr, name, false);
    fputs(": ", stderr);
    text_print(stderr, sentence ? sentence : "out of memory", false);
}

int cli_fail(int status, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_sentence(name, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_sentence("Usage", format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see hintsign %s%s--help\n", cli->command ? cli->command->name : "",
            cli->command ? " " : "");
    return CLI_USAGE;
}

int cli_finish(int status)
{
    if (status != CLI_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return status;
    return cli_fail(CLI_AGAIN, "Output", "cannot write to standard output: %m");
}

int cli_seconds(const char *option, const char *text, int *ret_seconds)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno || end == text || *end || seconds < 1 || seconds > SECONDS_MAX) {
        cli_fail(CLI_USAGE, "Usage", "%s takes a number of seconds from 1 to %d", option,
                 SECONDS_MAX);
        return CLI_USAGE;
    }
    *ret_seconds = (int)seconds;
    return CLI_OK;
}

/* getopt has just passed a wrong option and says how it is wrong: `optopt` is 0 for an unknown
 * one, its letter for an unknown short one, else its value. */
static void wrong_option(const struct cli *cli, char **argv, int answer)
{
    const char *option = argv[optind - 1];
    if (answer == ':')
        cli_usage(cli, "%s needs a value", option);
    else if (optopt >= CLI_OPTION_HELP)
        cli_usage(cli, "%s: the option takes no value", option);
    else if (optopt > 0)
        cli_usage(cli, "there is no option -%c", optopt);
    else
        cli_usage(cli, "there is no option %s", option);
    exit(CLI_USAGE);
}

int cli_option(struct cli *cli, int argc, char **argv, const char *rules,
               const struct option *options)
{
    opterr = 0;
    for (;;) {
        int seconds;
        int option = getopt_long(argc, argv, rules, options, NULL);
        switch (option) {
        case CLI_OPTION_HELP:
            if (cli->command)
                fputs(cli->command->help, stdout);
            else
                cli->help();
            exit(cli_finish(CLI_OK));
        case CLI_OPTION_VERSION:
            puts("hintsign " PACKAGE_VERSION);
            exit(cli_finish(CLI_OK));
        case CLI_OPTION_SOCKET:
            cli->socket = optarg;
            break;
        case CLI_OPTION_TIMEOUT:
            if (cli_seconds("--timeout", optarg, &seconds) != CLI_OK)
                exit(CLI_USAGE);
            cli->timeout_ms = seconds * 1000;
            break;
        case ':':
        case '?':
            wrong_option(cli, argv, option);
            break;
        default:
            return option;
        }
    }
}

int cli_open(const struct cli *cli, struct hintsign **ret_handle)
{
    struct hintsign *handle;
    int code = hintsign_open(cli->socket, &handle);
    if (code == HINTSIGN_INVALID)
        return cli_fail(CLI_USAGE, "Usage", "the socket's path is empty or too long");
    if (code < 0)
        return cli_fail(cli_status(code), "NoMemory", "%s", hintsign_strerror(code));
    if (cli->timeout_ms > 0)
        hintsign_set_timeout(handle, cli->timeout_ms);
    *ret_handle = handle;
    return CLI_OK;
}

void cli_close(struct hintsign **handle)
{
    hintsign_close(*handle);
}

int cli_report(const struct hintsign *handle)
{
    const struct hintsign_error *error = hintsign_last_error(handle);
    return cli_fail(cli_status(error->code), error->name, "%s", error->message);
}
