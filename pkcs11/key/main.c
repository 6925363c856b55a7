/* hintsign-key: finds the command, runs it, and says what went wrong. */
#include "config.h"
#include "pkcs11/key/command.h"
#include "pkcs11/key/delete.h"
#include "pkcs11/key/export_kek.h"
#include "pkcs11/key/generate.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/import.h"
#include "pkcs11/key/kcv.h"
#include "pkcs11/key/list.h"
#include "pkcs11/key/options.h"
#include "pkcs11/key/probe.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/wrap.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const struct command commands[] = {
    {"import", import_run, OPTION_TOKEN | OPTION_LABEL,
     OPTIONS_SECRET | OPTION_ID | OPTION_WRAPPED | OPTION_UNWRAP_WITH | OPTION_TRANSCRIPT |
         OPTION_JSON,
     OPTIONS_TOKENS_MAX, "put a client secret into one token or several"},
    {"generate", generate_run, OPTION_TOKEN | OPTION_LABEL | OPTION_TYPE,
     OPTION_ID | OPTION_TRANSCRIPT | OPTION_JSON, 1, "let a token generate a key"},
    {"export-kek", export_kek_run, OPTION_TOKEN | OPTION_LABEL, OPTION_ID | OPTION_TRANSCRIPT, 1,
     "show the public key that client secrets are wrapped for"},
    {"wrap", wrap_run, OPTION_KEK,
     OPTIONS_SECRET | OPTION_FINGERPRINT | OPTION_LABEL | OPTION_TRANSCRIPT, 0,
     "encrypt a client secret for one token, away from it"},
    {"kcv", kcv_run, 0, OPTIONS_SECRET, 0, "show the check value of a client secret"},
    {"list", list_run, OPTION_TOKEN, OPTION_LABEL | OPTION_ALGORITHM | OPTION_JSON,
     OPTIONS_TOKENS_MAX, "show the keys of tokens and how they are protected"},
    {"delete", delete_run, OPTION_TOKEN | OPTION_LABEL, OPTION_ID | OPTION_TRANSCRIPT | OPTION_YES,
     1, "delete a key from a token"},
    {"probe", probe_run, OPTION_TOKEN, OPTION_COMPARE | OPTION_JSON, 1,
     "try what a token can do for the agent"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(void)
{
    puts("Usage: hintsign-key COMMAND [OPTION]...\n"
         "Keys of a PKCS#11 token: put in, made, shown and deleted. No key ever comes out.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    puts("\n  --help, --version\n\n'hintsign-key COMMAND --help' lists the options; "
         "hintsign-key(1) has the details.");
}

/* What the text quotes may be anybody's. */
static int fail(int status, const char *text)
{
    char shown[SHOW_NAME_MAX];
    show_printable(text, strlen(text), shown);
    fprintf(stderr, "hintsign-key: ERROR: %s\n", shown);
    return status;
}

/* A result that could not be written is a failure as well. */
static int finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return fail(EXIT_REFUSED, "cannot write to standard output");
    return EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct options options;
    char text[P11_ERROR_TEXT_MAX];
    if (options_parse(command, argc, argv, &options, text, sizeof text) < 0)
        return fail(EXIT_USAGE, text);
    if (options.help) {
        options_help(command);
        return finish_output();
    }
    struct p11_error error;
    if (command->run(&options, &error) < 0)
        return fail(EXIT_REFUSED, p11_error_describe(&error, text, sizeof text));
    return finish_output();
}

int main(int argc, char **argv)
{
    if (guard_process() < 0)
        return fail(EXIT_REFUSED, "cannot keep other processes from reading this one's memory");
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return fail(EXIT_USAGE, "which command? See hintsign-key --help");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help();
        return finish_output();
    }
    if (strcmp(name, "--version") == 0) {
        puts("hintsign-key " PACKAGE_VERSION);
        return finish_output();
    }
    const struct command *command = find_command(name);
    if (!command)
        return fail(EXIT_USAGE, "there is no such command: see hintsign-key --help");
    return run(command, argc - 1, argv + 1);
}
