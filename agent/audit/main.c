/* hintsign-audit: finds the command and runs it. */
#include "config.h"
#include "agent/audit/command.h"
#include "agent/audit/show.h"
#include "agent/audit/verify.h"

#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"verify", verify_run, "check that audit logs are as they were written"},
    {"show", show_run, "show the records of audit logs"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

int command_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("hintsign-audit: ERROR: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return COMMAND_USAGE;
}

static int help(void)
{
    puts("Usage: hintsign-audit COMMAND [OPTION]... FILE...\n"
         "Audit logs of hintsign-agent and transcripts of hintsign-key, without either of them.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    puts("\n  --help, --version\n\n'hintsign-audit COMMAND --help' lists the options; "
         "hintsign-audit(1) "
         "has the details.");
    return COMMAND_OK;
}

static int run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help();
    if (strcmp(name, "--version") == 0) {
        puts("hintsign-audit " PACKAGE_VERSION);
        return COMMAND_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return command_fail("which command? See hintsign-audit --help");
}

/* A result that could not be written was not given. */
int main(int argc, char **argv)
{
    int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return command_fail("cannot write to standard output");
    return status;
}
