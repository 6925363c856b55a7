/* Lists the profiles that the caller may use. */
#include "config.h"
#include "client/cli/profiles.h"

#include "client/cli/input.h"
#include "client/cli/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_JSON = CLI_OPTION_FIRST };

static const struct option options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    CLI_OPTIONS,
};

static bool has(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *value = json_string_value(item);
        if (value && strcmp(value, text) == 0)
            return true;
    }
    return false;
}

/* Strings of a list, with a mark between them. Returns whether there was one. */
static bool print_list(FILE *out, const json_t *list, const char *between)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *value = json_string_value(item);
        fprintf(out, "%s%s", i > 0 ? between : "", value ? value : "?");
    }
    return json_array_size(list) > 0;
}

/* As in a usage: `sub` is required, one of `(sub|email)` is, `[email]` is accepted. */
static void print_claims(FILE *out, const json_t *profile)
{
    const json_t *required = json_object_get(profile, "required");
    const json_t *groups = json_object_get(profile, "one_of");
    size_t i, j;
    json_t *item, *group;
    const char *space = print_list(out, required, " ") ? " " : "";
    json_array_foreach(groups, i, group)
    {
        fprintf(out, "%s(", space);
        print_list(out, group, "|");
        fputc(')', out);
        space = " ";
    }
    json_array_foreach(json_object_get(profile, "accept"), i, item)
    {
        const char *claim = json_string_value(item);
        bool shown = !claim || has(required, claim);
        json_array_foreach(groups, j, group) shown = shown || has(group, claim);
        if (shown)
            continue;
        fprintf(out, "%s[%s]", space, claim);
        space = " ";
    }
}

static void print_text(FILE *out, const json_t *text)
{
    const char *value = json_string_value(text);
    fputs(value ? value : "?", out);
}

static void print_name(FILE *out, const json_t *profile)
{
    print_text(out, json_object_get(profile, "name"));
}

static void print_kind(FILE *out, const json_t *profile)
{
    print_text(out, json_object_get(profile, "kind"));
}

static void print_algorithm(FILE *out, const json_t *profile)
{
    const json_t *several = json_object_get(profile, "algorithms");
    if (several)
        print_list(out, several, " ");
    else
        print_text(out, json_object_get(profile, "algorithm"));
}

static void print_ready(FILE *out, const json_t *profile)
{
    fputs(json_is_true(json_object_get(profile, "ready")) ? "yes" : "no", out);
}

static void print_audiences(FILE *out, const json_t *profile)
{
    print_list(out, json_object_get(profile, "audiences"), " ");
}

struct column {
    const char *title;
    void (*print)(FILE *out, const json_t *profile);
};

static const struct column columns[] = {
    {"PROFILE", print_name}, {"KIND", print_kind},     {"ALGORITHM", print_algorithm},
    {"READY", print_ready},  {"CLAIMS", print_claims}, {"AUDIENCES", print_audiences},
};

#define COLUMNS (sizeof columns / sizeof *columns)

/* The text of one cell, of the title's row where `profile` is NULL. The caller frees it; NULL
 * without memory. */
static char *make_cell(const struct column *column, const json_t *profile)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (profile)
        column->print(out, profile);
    else
        fputs(column->title, out);
    fclose(out);
    return text;
}

static size_t width(const struct column *column, const json_t *profiles)
{
    size_t widest = strlen(column->title), i;
    json_t *profile;
    json_array_foreach(profiles, i, profile)
    {
        __attribute__((cleanup(input_free))) char *text = make_cell(column, profile);
        if (text && strlen(text) > widest)
            widest = strlen(text);
    }
    return widest;
}

static void print_row(const size_t *widths, const json_t *profile)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        __attribute__((cleanup(input_free))) char *text = make_cell(&columns[i], profile);
        size_t length = text ? strlen(text) : 0;
        text_print(stdout, text ? text : "", false);
        if (i < COLUMNS - 1)
            printf("%*s", (int)(widths[i] - length + 2), "");
    }
    putchar('\n');
}

static void print_table(const json_t *profiles)
{
    size_t widths[COLUMNS], i;
    json_t *profile;
    for (i = 0; i < COLUMNS; i++)
        widths[i] = width(&columns[i], profiles);
    print_row(widths, NULL);
    json_array_foreach(profiles, i, profile) print_row(widths, profile);
}

static int run(struct cli *cli, int argc, char **argv)
{
    __attribute__((cleanup(cli_close))) struct hintsign *handle = NULL;
    __attribute__((cleanup(input_free))) char *text = NULL;
    bool as_json = false;
    while (cli_option(cli, argc, argv, ":", options) != -1)
        as_json = true;
    if (optind < argc)
        return cli_usage(cli, "takes no argument");
    int status = cli_open(cli, &handle);
    if (status != CLI_OK)
        return status;
    if (hintsign_profiles(handle, &text) < 0)
        return cli_report(handle);
    if (as_json) {
        text_print(stdout, text, false);
        putchar('\n');
        return CLI_OK;
    }
    json_auto_t *reply = json_loads(text, 0, NULL);
    print_table(json_object_get(reply, "profiles"));
    return CLI_OK;
}

const struct command profiles_command = {
    .name = "profiles",
    .purpose = "list the profiles that you may use",
    .help = "Usage: hintsign profiles [--json]\n"
            "\n"
            "Lists the profiles that you may use: their kind, whether they are ready, the\n"
            "claims they accept and their audiences. Of the claims, sub is required, one of\n"
            "(sub|email) is, and [email] may be left out.\n"
            "\n"
            "  --json    the agent's reply to ListProfiles\n",
    .run = run,
};
