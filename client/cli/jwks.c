/* Prints or writes the JWK Set that a discovery service publishes. */
#include "config.h"
#include "client/cli/jwks.h"

#include "client/cli/input.h"
#include "client/cli/output.h"
#include "client/cli/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { OPTION_OUTPUT = CLI_OPTION_FIRST, OPTION_AUDIT };

static const struct option options[] = {
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"audit", no_argument, NULL, OPTION_AUDIT},
    CLI_OPTIONS,
};

struct order {
    const char *profile; /* NULL: all */
    const char *output;  /* NULL: standard output */
    bool audit;          /* the key of the audit log instead */
};

static int read_order(struct cli *cli, struct order *order, int argc, char **argv)
{
    int option;
    while ((option = cli_option(cli, argc, argv, ":", options)) != -1) {
        if (option == OPTION_AUDIT)
            order->audit = true;
        else
            order->output = optarg;
    }
    if (order->output && !*order->output)
        return cli_usage(cli, "--output needs the name of a file");
    if (argc - optind > 1)
        return cli_usage(cli, "takes one profile");
    if (order->audit && optind < argc)
        return cli_usage(cli, "--audit takes no profile");
    order->profile = optind < argc ? argv[optind] : NULL;
    return CLI_OK;
}

/* Whoever asks as a user that may use no profile gets an empty set. Published, it would take the
 * keys from under every token. */
static bool is_empty(const char *json)
{
    json_auto_t *set = json_loads(json, 0, NULL);
    return json_array_size(json_object_get(set, "keys")) == 0;
}

/* The set as one line. The caller frees it; NULL without memory. */
static char *make_line(const char *json)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return NULL;
    text_print(out, json, false);
    fputc('\n', out);
    if (fclose(out) == 0)
        return line;
    input_free(&line);
    return NULL;
}

static int run(struct cli *cli, int argc, char **argv)
{
    __attribute__((cleanup(cli_close))) struct hintsign *handle = NULL;
    __attribute__((cleanup(input_free))) char *json = NULL;
    struct order order = {0};
    int status = read_order(cli, &order, argc, argv);
    if (status == CLI_OK)
        status = cli_open(cli, &handle);
    if (status != CLI_OK)
        return status;
    int code = order.audit ? hintsign_audit_keys(handle, &json)
                           : hintsign_keys(handle, order.profile, &json);
    if (code < 0)
        return cli_report(handle);
    if (order.output && is_empty(json))
        return cli_fail(CLI_REFUSED, "Empty", "there is no key to publish; %s stays as it is",
                        order.output);
    __attribute__((cleanup(input_free))) char *line = make_line(json);
    if (!line)
        return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    if (order.output)
        return output_replace(order.output, line);
    fputs(line, stdout);
    return CLI_OK;
}

const struct command jwks_command = {
    .name = "jwks",
    .purpose = "print the public keys to publish",
    .help = "Usage: hintsign jwks [PROFILE | --audit] [--output FILE]\n"
            "\n"
            "Prints the public keys with which tokens of PROFILE are verified, or those of all\n"
            "profiles that you may use: a JWK Set, as a discovery service publishes it.\n"
            "\n"
            "  --audit          the key that signs checkpoints of the audit log instead\n"
            "  --output FILE    replace FILE in one step if the set has changed; on an error, or\n"
            "                   if there is no key, FILE stays as it is\n",
    .run = run,
};
