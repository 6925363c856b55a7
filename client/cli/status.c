/* Shows the agent's health and its numbers, or waits until it is ready. */
#include "config.h"
#include "client/cli/status.h"

#include "client/cli/input.h"
#include "client/cli/openmetrics.h"
#include "client/cli/output.h"
#include "client/cli/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long --wait lets pass before it asks again, and what the last question gets at least. */
#define INTERVAL_MS 100

enum {
    OPTION_FORMAT = CLI_OPTION_FIRST,
    OPTION_JSON,
    OPTION_OUTPUT,
    OPTION_READY,
    OPTION_WAIT,
};

static const struct option options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT}, {"json", no_argument, NULL, OPTION_JSON},
    {"output", required_argument, NULL, OPTION_OUTPUT}, {"ready", no_argument, NULL, OPTION_READY},
    {"wait", required_argument, NULL, OPTION_WAIT},     CLI_OPTIONS,
};

struct order {
    const struct format *format; /* NULL: the first */
    const char *output;          /* NULL: standard output */
    bool ready;
    int wait_seconds;
};

/* What is shown: of the reply to GetStatus as text, and taken apart. */
struct format {
    const char *name;
    int (*show)(const struct order *order, const char *text, const json_t *reply);
};

static const struct format *find_format(const char *name);

static int take_option(struct cli *cli, struct order *order, int option)
{
    switch (option) {
    case OPTION_FORMAT:
    case OPTION_JSON:
        order->format = find_format(option == OPTION_JSON ? "json" : optarg);
        return order->format ? CLI_OK : cli_usage(cli, "--format is text, json or openmetrics");
    case OPTION_OUTPUT:
        order->output = optarg;
        return *optarg ? CLI_OK : cli_usage(cli, "--output needs the name of a file");
    case OPTION_WAIT:
        return cli_seconds("--wait", optarg, &order->wait_seconds);
    case OPTION_READY:
    default:
        order->ready = true;
        return CLI_OK;
    }
}

static int read_order(struct cli *cli, struct order *order, int argc, char **argv)
{
    int option, status = CLI_OK;
    while (status == CLI_OK && (option = cli_option(cli, argc, argv, ":", options)) != -1)
        status = take_option(cli, order, option);
    if (status != CLI_OK)
        return status;
    if (optind < argc)
        return cli_usage(cli, "takes no argument");
    if (order->wait_seconds > 0 && !order->ready)
        return cli_usage(cli, "--wait goes with --ready");
    if (order->format && order->ready)
        return cli_usage(cli, "--json, --format and --ready exclude each other");
    if (order->output && order->format != find_format("openmetrics"))
        return cli_usage(cli, "--output goes with --format openmetrics");
    return CLI_OK;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* One line: "token a up", with what is known beyond behind it. */
static void print_item(const char *what, const json_t *item, const char *state, const char *more)
{
    printf("%-8s", what);
    text_print(stdout, member(item, "name"), false);
    fputs("  ", stdout);
    text_print(stdout, state, false);
    if (*more) {
        fputs(": ", stdout);
        text_print(stdout, more, false);
    }
    putchar('\n');
}

static const char *ready_text(const json_t *object)
{
    return json_is_true(json_object_get(object, "ready")) ? "ready" : "not ready";
}

/* One line with the protections that are not in force, if there are any. */
static void print_lacking(const json_t *protections)
{
    const char *name, *before = "lacks   ";
    json_t *value;
    json_object_foreach((json_t *)protections, name, value)
    {
        if (!json_is_false(value))
            continue;
        fputs(before, stdout);
        text_print(stdout, name, false);
        before = ", ";
    }
    if (*before == ',')
        putchar('\n');
}

/* Whether rules by unit work, where they do not rely on what is proven. */
static void print_peer_pid(const json_t *reply)
{
    const char *state = member(reply, "peer_pid");
    if (!*state || strcmp(state, "pidfd") == 0)
        return;
    fputs("callers peer_pid  ", stdout);
    text_print(stdout, state, false);
    if (*member(reply, "peer_pid_problem")) {
        fputs(": ", stdout);
        text_print(stdout, member(reply, "peer_pid_problem"), false);
    }
    putchar('\n');
}

/* Only what is wrong with the audit log. */
static void print_audit(const json_t *audit)
{
    if (!json_is_false(json_object_get(audit, "available")))
        return;
    fputs("audit   unavailable", stdout);
    if (*member(audit, "reason")) {
        fputs(": ", stdout);
        text_print(stdout, member(audit, "reason"), false);
    }
    putchar('\n');
}

static int show_text(const struct order *order, const char *json, const json_t *reply)
{
    (void)order, (void)json;
    size_t i;
    json_t *item;
    fputs("agent   ", stdout);
    text_print(stdout, member(reply, "version"), false);
    printf("  %s, configuration %" JSON_INTEGER_FORMAT "\n", ready_text(reply),
           json_integer_value(json_object_get(reply, "configuration")));
    json_array_foreach(json_object_get(reply, "tokens"), i, item)
        print_item("token", item, member(item, "state"), member(item, "detail"));
    print_audit(json_object_get(reply, "audit"));
    print_peer_pid(reply);
    json_array_foreach(json_object_get(reply, "profiles"), i, item)
        print_item("profile", item, ready_text(item),
                   member(item, *member(item, "reason") ? "reason" : "warning"));
    print_lacking(json_object_get(reply, "protections"));
    return CLI_OK;
}

static int show_json(const struct order *order, const char *json, const json_t *reply)
{
    (void)order, (void)reply;
    text_print(stdout, json, false);
    putchar('\n');
    return CLI_OK;
}

static int show_openmetrics(const struct order *order, const char *json, const json_t *reply)
{
    __attribute__((cleanup(input_free))) char *text = NULL;
    size_t size;
    (void)json;
    if (!openmetrics_has(reply))
        return cli_fail(CLI_REFUSED, "NotAllowed", "the numbers are for root and the agent's user");
    FILE *out = open_memstream(&text, &size);
    if (out)
        openmetrics_write(out, reply);
    if (!out || fclose(out) != 0)
        return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    if (order->output)
        return output_write(order->output, text);
    fputs(text, stdout);
    return CLI_OK;
}

static const struct format formats[] = {
    {"text", show_text},
    {"json", show_json},
    {"openmetrics", show_openmetrics},
};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static int ask_ready(struct hintsign *handle, bool *ret_ready)
{
    __attribute__((cleanup(input_free))) char *text = NULL;
    int code = hintsign_status(handle, &text);
    if (code < 0)
        return code;
    json_auto_t *reply = json_loads(text, 0, NULL);
    *ret_ready = json_is_true(json_object_get(reply, "ready"));
    return code;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A question takes no longer than what is left of the waiting, nor than --timeout says. */
static void limit_question(struct hintsign *handle, const struct cli *cli, int64_t left_ms)
{
    int64_t limit = left_ms > INTERVAL_MS ? left_ms : INTERVAL_MS;
    if (cli->timeout_ms > 0 && cli->timeout_ms < limit)
        limit = cli->timeout_ms;
    hintsign_set_timeout(handle, (int)limit);
}

/* Asks until the agent is ready, also while it is not there yet. Prints nothing but why not. */
static int wait_ready(struct hintsign *handle, const struct cli *cli, int seconds)
{
    const struct timespec interval = {.tv_nsec = INTERVAL_MS * 1000000L};
    int64_t deadline = now_ms() + (int64_t)seconds * 1000;
    for (;;) {
        bool ready = false;
        if (seconds > 0)
            limit_question(handle, cli, deadline - now_ms());
        int code = ask_ready(handle, &ready);
        if (ready)
            return CLI_OK;
        if (now_ms() >= deadline)
            return code < 0 ? cli_report(handle)
                            : cli_fail(CLI_AGAIN, "NotReady",
                                       "the agent is not ready; hintsign status tells more");
        nanosleep(&interval, NULL);
    }
}

static int run(struct cli *cli, int argc, char **argv)
{
    __attribute__((cleanup(cli_close))) struct hintsign *handle = NULL;
    __attribute__((cleanup(input_free))) char *text = NULL;
    struct order order = {0};
    int status = read_order(cli, &order, argc, argv);
    if (status == CLI_OK)
        status = cli_open(cli, &handle);
    if (status != CLI_OK)
        return status;
    if (order.ready)
        return wait_ready(handle, cli, order.wait_seconds);
    if (hintsign_status(handle, &text) < 0)
        return cli_report(handle);
    const struct format *format = order.format ? order.format : formats;
    json_auto_t *reply = json_loads(text, 0, NULL);
    return format->show(&order, text, reply);
}

const struct command status_command = {
    .name = "status",
    .purpose = "show the agent's health",
    .help = "Usage: hintsign status [--format FORMAT [--output FILE]]\n"
            "       hintsign status --ready [--wait SECONDS]\n"
            "\n"
            "Shows whether the agent, its HSM tokens and your profiles are ready.\n"
            "\n"
            "  --format text         for people (default)\n"
            "           json         the agent's reply to GetStatus\n"
            "           openmetrics  its numbers, for root and the agent's own user\n"
            "  --json                the same as --format json\n"
            "  --output FILE         with openmetrics: replace FILE in one step\n"
            "  --ready               print no status, but exit with 0 when all is ready, else 4\n"
            "  --wait SECONDS        wait that long for it, also for an agent that starts\n",
    .run = run,
};
