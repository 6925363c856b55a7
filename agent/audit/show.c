/* hintsign-audit show: prints the records of audit logs that somebody looks for. */
#include "config.h"
#include "agent/audit/show.h"
#include "agent/audit/cell.h"
#include "agent/audit/command.h"
#include "agent/audit/line.h"
#include "agent/audit/reader.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAILS_MAX 7
#define WHO_MAX     512 /* bytes */

/* The columns' widths in characters. */
enum { WIDTH_TIME = 29, WIDTH_TYPE = 14, WIDTH_WHO = 20, WIDTH_PROFILE = 18, WIDTH_RESULT = 14 };

static const char usage[] =
    "Usage: hintsign-audit show [OPTION]... FILE...|-\n"
    "Shows the records of audit logs: time, number, type, who, profile, result, and details.\n"
    "\n"
    "  --profile P  only records of this profile\n"
    "  --since T    only records from this time on: 2026-01-31, 2026-01-31T23:59, ... (UTC)\n"
    "  --errors     only records of what was refused or failed\n"
    "  --json       print the lines themselves\n"
    "  --help\n"
    "\n"
    "Nothing is verified: hintsign-audit verify does that.\n";

struct request {
    const char *profile; /* NULL: all */
    const char *since;   /* NULL: from the beginning */
    size_t since_length;
    bool errors;
    bool json;
    bool help;
};

/* The members of each type that are worth a look. */
static const struct details {
    const char *type;
    const char *members[DETAILS_MAX + 1]; /* ended by NULL */
} details[] = {
    {"mint", {"audience", "alg", "next_key", "reference"}},
    {"sign", {"alg", "reference"}},
    {"suppressed", {"listener", "count"}},
    {"start", {"version", "configuration", "clock"}},
    {"reload", {"configuration"}},
    {"torn", {"bytes"}},
    {"unlock", {"token"}},
    {"lock", {"token"}},
    {"login_failed", {"token"}},
    {"token_state", {"token", "state"}},
    {"doubtful", {"token", "key", "key_digest", "since"}},
    {"key_set", {"token", "keys"}},
    {"rotate", {"previous"}},
    {"gap", {"expected_seq", "found_seq"}},
    {"checkpoint", {"covers", "alg", "kid"}},
    {"ceremony", {"command", "label", "key_type", "alg", "key_digest", "left_on", "host"}},
};

static const char *string_of(const json_t *record, const char *name)
{
    return json_string_value(json_object_get(record, name));
}

static void print_value(const json_t *value)
{
    const char *string = json_string_value(value);
    char *text = string ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (string || text)
        cell_print(stdout, string ? string : text, 0);
    free(text);
}

static void print_details(const struct line *line)
{
    const char *const *members = NULL;
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        if (strcmp(details[i].type, line->type) == 0)
            members = details[i].members;
    for (; members && *members; members++) {
        const json_t *value = json_object_get(line->record, *members);
        if (!value)
            continue;
        printf(" %s=", *members);
        print_value(value);
    }
}

/* "1000", "1000 portal.service", "@shop" where only the listener is known, or "-". */
static void name_caller(const json_t *record, char who[static WHO_MAX])
{
    const json_t *uid = json_object_get(record, "uid");
    const char *unit = string_of(record, "unit"), *listener = string_of(record, "listener");
    if (json_is_integer(uid))
        snprintf(who, WHO_MAX, "%lld%s%s", (long long)json_integer_value(uid), unit ? " " : "",
                 unit ? unit : "");
    else
        snprintf(who, WHO_MAX, "%s%s", listener ? "@" : "-", listener ? listener : "");
}

static void print_line(const struct line *line)
{
    char who[WHO_MAX];
    const char *profile = string_of(line->record, "profile");
    const char *error = string_of(line->record, "error");
    const char *outcome = string_of(line->record, "outcome"); /* of a ceremony */
    name_caller(line->record, who);
    cell_print(stdout, line->time, WIDTH_TIME);
    printf("%7lld  ", (long long)line->sequence);
    cell_print(stdout, line->type, WIDTH_TYPE);
    cell_print(stdout, who, WIDTH_WHO);
    cell_print(stdout, profile ? profile : "-", WIDTH_PROFILE);
    cell_print(stdout, error ? error : outcome ? outcome : "ok", WIDTH_RESULT);
    print_details(line);
    putchar('\n');
}

static bool is_wanted(const struct request *request, const struct line *line)
{
    const char *profile = string_of(line->record, "profile");
    if (request->profile && (!profile || strcmp(profile, request->profile) != 0))
        return false;
    if (request->since && strncmp(line->time, request->since, request->since_length) < 0)
        return false;
    return !request->errors || json_object_get(line->record, "error");
}

static int show_line(const struct request *request, const struct jose *jose, struct text *room,
                     const char *text, size_t length, const char **error)
{
    struct line line;
    int r = line_parse(jose, text, length, room, &line, error);
    if (r < 0)
        return r;
    if (is_wanted(request, &line)) {
        if (request->json)
            printf("%.*s\n", (int)length, text);
        else
            print_line(&line);
    }
    line_clear(&line);
    return 0;
}

/* A line that is no record is named, and the rest shown. */
static int show_file(const struct request *request, const struct jose *jose, struct text *room,
                     const char *path)
{
    struct reader reader;
    int r = reader_open(path, &reader);
    if (r < 0)
        return command_fail("%s: %s", path, strerror(-r));
    int status = COMMAND_OK;
    const char *line;
    size_t length;
    enum reader_result result;
    while ((result = reader_next(&reader, &line, &length)) == READER_LINE) {
        const char *error;
        if (show_line(request, jose, room, line, length, &error) == 0)
            continue;
        command_fail("%s:%llu: the line %s", path, (unsigned long long)reader.line, error);
        status = COMMAND_BROKEN;
    }
    if (result == READER_FAILED)
        status = command_fail("%s: %s", path, strerror(errno));
    if (result == READER_UNFINISHED) {
        command_fail("%s:%llu: the line has no end", path, (unsigned long long)reader.line);
        status = COMMAND_BROKEN;
    }
    reader_close(&reader);
    return status;
}

/* A final Z is left out: it would stand behind every fraction of the second. */
static int take_since(struct request *request, const char *text)
{
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == 'Z')
        length--;
    char *time = strndup(text, length);
    bool good = time && length >= strlen("2026") && line_begins_time(time);
    free(time);
    if (!good)
        return command_fail("--since takes a time in UTC, such as 2026-01-31 or "
                            "2026-01-31T23:59:00Z");
    request->since = text;
    request->since_length = length;
    return COMMAND_OK;
}

static int take_options(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"profile", required_argument, NULL, 'p'}, {"since", required_argument, NULL, 's'},
        {"errors", no_argument, NULL, 'e'},        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int c, status = COMMAND_OK;
    opterr = 0;
    while (status == COMMAND_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'p':
            request->profile = optarg;
            break;
        case 's':
            status = take_since(request, optarg);
            break;
        case 'e':
            request->errors = true;
            break;
        case 'j':
            request->json = true;
            break;
        case 'h':
            request->help = true;
            break;
        default:
            return command_fail("%s is no option, or lacks its value: see hintsign-audit show "
                                "--help",
                                argv[optind - 1]);
        }
    }
    if (status == COMMAND_OK && !request->help && optind == argc)
        return command_fail("which log? See hintsign-audit show --help");
    return status;
}

int show_run(int argc, char **argv)
{
    struct request request = {.profile = NULL};
    struct jose *jose;
    struct text room = {0};
    int status = take_options(argc, argv, &request);
    if (status != COMMAND_OK)
        return status;
    if (request.help) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (jose_new(NULL, &jose) < 0)
        return command_fail("OpenSSL cannot be used");
    for (int i = optind; i < argc; i++) {
        int file_status = show_file(&request, jose, &room, argv[i]);
        status = file_status > status ? file_status : status;
    }
    text_free(&room);
    jose_free(jose);
    return status;
}
