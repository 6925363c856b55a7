/* hintsign(1): a table of commands. */
#include "config.h"

#include "client/cli/cli.h"
#include "client/cli/decode.h"
#include "client/cli/jwks.h"
#include "client/cli/mint.h"
#include "client/cli/profiles.h"
#include "client/cli/status.h"
#include "client/cli/unlock.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &mint_command,   &profiles_command, &status_command, &jwks_command,
    &decode_command, &unlock_command,   &lock_command,   &reload_command,
};

static void print_help(void)
{
    puts("Usage: hintsign [OPTION]... COMMAND [ARGUMENT]...\n"
         "\n"
         "Asks hintsign-agent for tokens whose keys never leave the HSM token.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %-18s %s\n", commands[i]->name, commands[i]->purpose);
    puts("\n"
         "Options, before or behind a command:\n"
         "  --socket PATH      the agent's socket (HINTSIGN_SOCKET, or the system's)\n"
         "  --timeout SECONDS  wait no longer for an answer (30)\n"
         "  --help             print this help; behind a command, the command's own\n"
         "  --version          print the version\n"
         "\n"
         "Exit status: 0; 1 refused; 2 usage; 3 agent not reachable; 4 failed now, worth\n"
         "trying again.");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* A descriptor that the caller has closed must not become the agent's socket, to which we would
 * then print. Standard output that cannot be written to is an error in its turn. */
static void open_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Without memory jansson leaves bytes out of the strings that it reads and writes, and goes on. No
 * token may be asked for with those: the program ends here, and nobody below it looks for NULL. */
static void *allocate_json(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        exit(cli_fail(CLI_AGAIN, "NoMemory", "out of memory"));
    return memory;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {CLI_OPTIONS};
    struct cli cli = {.help = print_help};
    open_standard();
    json_set_alloc_funcs(allocate_json, free);
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line is one write, also beside other programs */
    cli_option(&cli, argc, argv, "+:", options);
    argc -= optind;
    argv += optind;
    if (argc == 0)
        return cli_usage(&cli, "a command is missing");
    cli.command = find_command(argv[0]);
    if (!cli.command)
        return cli_usage(&cli, "there is no command '%s'", argv[0]);
    optind = 0; /* getopt begins anew */
    return cli_finish(cli.command->run(&cli, argc, argv));
}
