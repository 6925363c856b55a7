/* Prints a token, with --subjects-from one for each of many subjects, with --next one by the key
 * that comes next. */
#include "config.h"
#include "client/cli/mint.h"

#include "client/cli/admin.h"
#include "client/cli/claims.h"
#include "client/cli/format.h"
#include "client/cli/input.h"
#include "client/cli/subjects.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_SUBJECT = CLI_OPTION_FIRST,
    OPTION_AUDIENCE,
    OPTION_CLAIM,
    OPTION_CLAIMS_FILE,
    OPTION_REFERENCE,
    OPTION_FORMAT,
    OPTION_SUBJECTS_FROM,
    OPTION_NEXT,
};

static const struct option options[] = {
    {"subject", required_argument, NULL, OPTION_SUBJECT},
    {"audience", required_argument, NULL, OPTION_AUDIENCE},
    {"claim", required_argument, NULL, OPTION_CLAIM},
    {"claims-file", required_argument, NULL, OPTION_CLAIMS_FILE},
    {"reference", required_argument, NULL, OPTION_REFERENCE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"subjects-from", required_argument, NULL, OPTION_SUBJECTS_FROM},
    {"next", no_argument, NULL, OPTION_NEXT},
    CLI_OPTIONS,
};

struct order {
    struct hintsign_request request;
    json_t *claims;
    enum format format;
    const char *subjects_from;
    bool next;
    int stdin_uses; /* options that read standard input */
};

static int take_option(const struct cli *cli, struct order *order, int option)
{
    switch (option) {
    case OPTION_AUDIENCE:
        order->request.audience = optarg;
        return CLI_OK;
    case OPTION_REFERENCE:
        order->request.reference = optarg;
        return CLI_OK;
    case OPTION_FORMAT:
        return format_parse(cli, optarg, &order->format);
    case OPTION_CLAIM:
        return claims_add(cli, order->claims, optarg);
    case OPTION_NEXT:
        order->next = true;
        return CLI_OK;
    }
    order->stdin_uses += strcmp(optarg, "-") == 0;
    if (order->stdin_uses > 1)
        return cli_usage(cli, "only one option can read standard input");
    switch (option) {
    case OPTION_SUBJECT:
        return claims_add_subject(cli, order->claims, optarg);
    case OPTION_CLAIMS_FILE:
        return claims_add_file(cli, order->claims, optarg);
    default:
        order->subjects_from = optarg;
        return CLI_OK;
    }
}

static int read_order(struct cli *cli, struct order *order, int argc, char **argv)
{
    int option;
    while ((option = cli_option(cli, argc, argv, ":", options)) != -1) {
        int status = take_option(cli, order, option);
        if (status != CLI_OK)
            return status;
    }
    if (argc - optind != 1)
        return cli_usage(cli, "name one profile");
    if (order->subjects_from && json_object_get(order->claims, "sub"))
        return cli_usage(cli, "--subjects-from and another subject exclude each other");
    if (order->subjects_from && order->next)
        return cli_usage(cli, "--next mints one token: not with --subjects-from");
    order->request.profile = argv[optind];
    return CLI_OK;
}

static int mint_one(struct hintsign *handle, const struct order *order, const char *prefix)
{
    __attribute__((cleanup(input_free))) char *claims = NULL;
    struct hintsign_request request = order->request;
    if (json_object_size(order->claims) > 0) {
        claims = json_dumps(order->claims, JSON_COMPACT);
        if (!claims)
            return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    }
    request.claims = claims;
    struct hintsign_token *token;
    if (hintsign_mint(handle, &request, &token) < 0)
        return cli_report(handle);
    format_print(order->format, prefix, token);
    hintsign_token_free(token);
    return CLI_OK;
}

/* Of an argument that may be missing, and need not be UTF-8. */
static int add_parameter(const struct cli *cli, json_t *parameters, const char *name,
                         const char *value)
{
    if (value && json_object_set_new(parameters, name, json_string(value)) < 0)
        return cli_usage(cli, "the %s is not UTF-8", name);
    return CLI_OK;
}

/* As the library has it: what is no token must not be printed. */
static bool is_compact(const char *jwt)
{
    return *jwt && !jwt[strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_.")];
}

static int print_next(const struct order *order, const json_t *reply)
{
    const char *jwt = json_string_value(json_object_get(reply, "token"));
    const char *kind = json_string_value(json_object_get(reply, "kind"));
    if (!jwt || !kind || !is_compact(jwt))
        return cli_fail(CLI_UNREACHABLE, "Protocol", "the agent's reply holds no token");
    const struct hintsign_token token = {
        .jwt = jwt,
        .expires_at = json_integer_value(json_object_get(reply, "expires_at")),
        .kid = json_string_value(json_object_get(reply, "kid")),
        .id = json_integer_value(json_object_get(reply, "id")),
    };
    format_print(order->format, format_prefix(order->format, kind), &token);
    return CLI_OK;
}

/* On the admin socket, which is no matter of the library. */
static int mint_next(const struct cli *cli, const struct order *order)
{
    json_auto_t *parameters = json_object(), *reply = NULL;
    int status = add_parameter(cli, parameters, "profile", order->request.profile);
    if (status == CLI_OK)
        status = add_parameter(cli, parameters, "audience", order->request.audience);
    if (status == CLI_OK)
        status = add_parameter(cli, parameters, "reference", order->request.reference);
    if (json_object_size(order->claims) > 0)
        json_object_set(parameters, "claims", order->claims);
    if (status == CLI_OK)
        status = admin_call(cli, "MintNext", parameters, NULL, &reply);
    return status == CLI_OK ? print_next(order, reply) : status;
}

static int run(struct cli *cli, int argc, char **argv)
{
    json_auto_t *claims = json_object();
    __attribute__((cleanup(cli_close))) struct hintsign *handle = NULL;
    struct order order = {.claims = claims};
    const char *prefix;
    int status = read_order(cli, &order, argc, argv);
    if (status == CLI_OK && order.next)
        return mint_next(cli, &order);
    if (status == CLI_OK)
        status = cli_open(cli, &handle);
    if (status == CLI_OK)
        status = format_prepare(handle, order.format, order.request.profile, &prefix);
    if (status != CLI_OK)
        return status;
    if (!order.subjects_from)
        return mint_one(handle, &order, prefix);
    return subjects_mint(handle, &(struct subjects_order){
                                     .request = order.request,
                                     .claims = claims,
                                     .path = order.subjects_from,
                                     .format = order.format,
                                     .prefix = prefix,
                                 });
}

const struct command mint_command = {
    .name = "mint",
    .purpose = "print a token",
    .help = "Usage: hintsign mint PROFILE [OPTION]...\n"
            "\n"
            "Prints a token of the profile.\n"
            "\n"
            "  --subject S             the claim sub; - reads it from standard input\n"
            "  --audience A            which of the profile's audiences the token is for\n"
            "  --claim NAME=VALUE      a claim that is a string\n"
            "  --claim NAME:=JSON      a claim that is any JSON value\n"
            "  --claims-file FILE      the claims of a JSON object; - reads standard input\n"
            "  --reference R           your own id for this request in the audit log\n"
            "  --format token          the token alone (default)\n"
            "           json           a JSON object: token, expires_at, kid, id\n"
            "           form           a form's body, for curl --data @-\n"
            "  --subjects-from FILE    one token for each line, which is the subject; -\n"
            "                          reads standard input. A line that gets no token\n"
            "                          leaves an empty line.\n"
            "  --next                  sign with the profile's next_key, to try it: for root and\n"
            "                          the agent's own user. --socket is then that of the\n"
            "                          administrators (HINTSIGN_ADMIN_SOCKET, or the system's).\n",
    .run = run,
};
