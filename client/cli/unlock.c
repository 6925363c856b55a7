/* The administrator's commands: unlock a token with its PIN, lock it, have the configuration read
 * again. */
#include "config.h"
#include "client/cli/unlock.h"

#include "client/cli/admin.h"
#include "client/cli/pin.h"
#include "client/cli/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define QUESTION_MAX 128

enum { OPTION_NO_PIN = CLI_OPTION_FIRST };

static const struct option unlock_options[] = {
    {"no-pin", no_argument, NULL, OPTION_NO_PIN},
    CLI_OPTIONS,
};

static const struct option plain_options[] = {CLI_OPTIONS};

/* A token's name, if one is given, also as a parameter. */
static int read_token(const struct cli *cli, int argc, char **argv, json_t *parameters,
                      const char **ret_token)
{
    if (argc - optind > 1)
        return cli_usage(cli, "takes one token");
    *ret_token = optind < argc ? argv[optind] : NULL;
    if (*ret_token && json_object_set_new(parameters, "token", json_string(*ret_token)) < 0)
        return cli_usage(cli, "the name of the token is not UTF-8");
    return CLI_OK;
}

/* "token a       up", as hintsign status has it. */
static void print_token(const char *name, const char *state)
{
    printf("%-8s", "token");
    text_print(stdout, name ? name : "", false);
    printf("  %s\n", state);
}

/* No core file, and nothing for other processes of the same user to read. */
static void guard_process(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int run_unlock(struct cli *cli, int argc, char **argv)
{
    const char *token = NULL;
    bool no_pin = false;
    json_auto_t *parameters = json_object(), *reply = NULL;
    char question[QUESTION_MAX];
    __attribute__((cleanup(pin_wipe))) struct pin pin = {.length = 0};
    while (cli_option(cli, argc, argv, ":", unlock_options) != -1)
        no_pin = true;
    int status = read_token(cli, argc, argv, parameters, &token);
    if (status == CLI_OK && !no_pin) {
        guard_process();
        snprintf(question, sizeof question, "PIN of %s%.64s: ", token ? "token " : "the token",
                 token ? token : "");
        status = pin_read(question, &pin);
    }
    if (status == CLI_OK)
        status = admin_call(cli, "Unlock", parameters, no_pin ? NULL : &pin, &reply);
    if (status == CLI_OK)
        print_token(json_string_value(json_object_get(reply, "token")), "up");
    return status;
}

static int run_lock(struct cli *cli, int argc, char **argv)
{
    const char *token = NULL;
    json_auto_t *parameters = json_object(), *reply = NULL;
    size_t i;
    json_t *name;
    while (cli_option(cli, argc, argv, ":", plain_options) != -1)
        ;
    int status = read_token(cli, argc, argv, parameters, &token);
    if (status == CLI_OK)
        status = admin_call(cli, "Lock", parameters, NULL, &reply);
    if (status != CLI_OK)
        return status;
    json_array_foreach(json_object_get(reply, "tokens"), i, name)
        print_token(json_string_value(name), "locked");
    return CLI_OK;
}

static int run_reload(struct cli *cli, int argc, char **argv)
{
    json_auto_t *parameters = json_object(), *reply = NULL;
    while (cli_option(cli, argc, argv, ":", plain_options) != -1)
        ;
    if (optind < argc)
        return cli_usage(cli, "takes no argument");
    int status = admin_call(cli, "Reload", parameters, NULL, &reply);
    if (status == CLI_OK)
        printf("configuration %" JSON_INTEGER_FORMAT "\n",
               json_integer_value(json_object_get(reply, "configuration")));
    return status;
}

const struct command unlock_command = {
    .name = "unlock",
    .purpose = "give an HSM token its PIN",
    .help = "Usage: hintsign unlock [TOKEN] [--no-pin]\n"
            "\n"
            "Has the agent log in to an HSM token that is locked. The PIN is asked for without\n"
            "echo, or read from standard input where that is no terminal, and tried once.\n"
            "TOKEN, its name in agent.json, may be left out where there is only one.\n"
            "\n"
            "  --no-pin         ask for no PIN: the agent tries the one of the token's\n"
            "                   pin-source, or the device asks for it\n"
            "\n"
            "--socket is that of the administrators (HINTSIGN_ADMIN_SOCKET, or the system's).\n",
    .run = run_unlock,
};

const struct command lock_command = {
    .name = "lock",
    .purpose = "log out of HSM tokens",
    .help = "Usage: hintsign lock [TOKEN]\n"
            "\n"
            "Has the agent log out of the HSM token, or of all of them. They stay locked until\n"
            "hintsign unlock.\n"
            "\n"
            "--socket is that of the administrators (HINTSIGN_ADMIN_SOCKET, or the system's).\n",
    .run = run_lock,
};

const struct command reload_command = {
    .name = "reload",
    .purpose = "have the agent read its configuration again",
    .help = "Usage: hintsign reload\n"
            "\n"
            "Has the agent read its configuration and profiles again, as SIGHUP does, and waits\n"
            "until they are in force. With a mistake in them, says which; the old ones stay.\n"
            "\n"
            "--socket is that of the administrators (HINTSIGN_ADMIN_SOCKET, or the system's).\n",
    .run = run_reload,
};
