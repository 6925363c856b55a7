/* hintsign-audit verify: reads audit logs and says whether they are as they were written. */
#include "config.h"
#include "agent/audit/verify.h"
#include "agent/audit/chain.h"
#include "agent/audit/command.h"
#include "agent/audit/reader.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_FILE_MAX ((size_t)1024 * 1024) /* bytes */

static const char usage[] =
    "Usage: hintsign-audit verify [OPTION]... FILE...\n"
    "Checks that audit logs are as they were written. Give the files of one log in their order.\n"
    "\n"
    "  --keys JWKS          the keys that may sign checkpoints\n"
    "  --expect SEQ:SHA256  a line that must be there, as the agent logged it or `end:` showed it\n"
    "  --strict             fail if no checkpoint covers the last records\n"
    "  --help\n";

struct request {
    const char *keys; /* a path, or NULL */
    bool strict;
    bool help;
    struct chain_expected *expected;
    size_t expected_count;
    char **files;
    int file_count;
};

/* What the files are verified with, and how it went. */
struct work {
    struct jose *jose;
    struct jwks *keys;
    struct chain chain;
    struct text room;
    size_t unfinished; /* bytes at the end of the last file */
};

static int take_expected(struct request *request, const char *text)
{
    char *end;
    struct chain_expected expected;
    errno = 0;
    long long sequence = strtoll(text, &end, 10);
    if (errno || *end != ':' || text[0] < '1' || text[0] > '9' || sequence > LINE_SEQUENCE_MAX ||
        !line_hash(end + 1, expected.hash))
        return command_fail("--expect takes SEQ:SHA256, a number and 64 lower-case hexadecimal "
                            "digits");
    expected.sequence = sequence;
    request->expected[request->expected_count++] = expected;
    return COMMAND_OK;
}

static int compare_expected(const void *a, const void *b)
{
    int64_t left = ((const struct chain_expected *)a)->sequence;
    int64_t right = ((const struct chain_expected *)b)->sequence;
    return (left > right) - (left < right);
}

static int check_request(const struct request *request)
{
    if (request->help)
        return COMMAND_OK;
    if (request->file_count == 0)
        return command_fail("which log? See hintsign-audit verify --help");
    if (request->strict && !request->keys)
        return command_fail("--strict needs --keys: without them no checkpoint is checked");
    return COMMAND_OK;
}

/* request->expected has room for as many as there are arguments. */
static int take_options(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"keys", required_argument, NULL, 'k'},
        {"expect", required_argument, NULL, 'e'},
        {"strict", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, status = COMMAND_OK;
    opterr = 0;
    while (status == COMMAND_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'k':
            request->keys = optarg;
            break;
        case 'e':
            status = take_expected(request, optarg);
            break;
        case 's':
            request->strict = true;
            break;
        case 'h':
            request->help = true;
            break;
        default:
            return command_fail("%s is no option, or lacks its value: see hintsign-audit verify "
                                "--help",
                                argv[optind - 1]);
        }
    }
    request->files = argv + optind;
    request->file_count = argc - optind;
    qsort(request->expected, request->expected_count, sizeof request->expected[0],
          compare_expected);
    return status == COMMAND_OK ? check_request(request) : status;
}

/* Returns the text of a file, to be freed, or NULL with errno. */
static char *read_keys_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(KEYS_FILE_MAX + 1) : NULL;
    size_t length = text ? fread(text, 1, KEYS_FILE_MAX + 1, file) : 0;
    int reason = text && ferror(file) ? errno : text && length > KEYS_FILE_MAX ? EFBIG : 0;
    if (file)
        fclose(file);
    if (reason) {
        free(text);
        errno = reason;
        return NULL;
    }
    *ret_length = length;
    return text;
}

static int load_keys(const char *path, struct work *work)
{
    size_t length;
    const char *error = "it is not JSON";
    char *text = read_keys_file(path, &length);
    if (!text)
        return command_fail("%s: %s", path, strerror(errno));
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    int r = json ? jwks_parse(work->jose, json, &work->keys, &error) : JOSE_INVALID;
    json_decref(json);
    free(text);
    return r < 0 ? command_fail("%s: %s", path, error) : COMMAND_OK;
}

static int say_problem(int code, const struct chain_problem *problem)
{
    const struct chain_place *place = &problem->place;
    if (code != LINE_BROKEN)
        return command_fail("%s:%llu: %s", place->file, (unsigned long long)place->line,
                            problem->text);
    printf("%s:%llu: %s\n", place->file, (unsigned long long)place->line, problem->text);
    return COMMAND_BROKEN;
}

static int say_broken(const struct chain_place *place, const char *text)
{
    struct chain_problem problem = {.place = *place};
    snprintf(problem.text, sizeof problem.text, "%s", text);
    return say_problem(LINE_BROKEN, &problem);
}

static int verify_lines(struct work *work, struct reader *reader, const char *path, bool is_last)
{
    for (;;) {
        const char *line;
        size_t length;
        struct chain_problem problem;
        enum reader_result result = reader_next(reader, &line, &length);
        struct chain_place place = {path, reader->line};
        if (result == READER_LINE) {
            int r = chain_add(&work->chain, &place, line, length, &work->room, &problem);
            if (r < 0)
                return say_problem(r, &problem);
            continue;
        }
        if (result == READER_FAILED)
            return command_fail("%s: %s", path, strerror(errno));
        if (result == READER_UNFINISHED && !is_last)
            return say_broken(&place, "the line has no end, and the log goes on in another file");
        work->unfinished = result == READER_UNFINISHED ? length : 0;
        return COMMAND_OK;
    }
}

static int verify_files(struct work *work, const struct request *request)
{
    int status = COMMAND_OK;
    for (int i = 0; i < request->file_count && status == COMMAND_OK; i++) {
        struct reader reader;
        const char *path = request->files[i];
        int r = reader_open(path, &reader);
        if (r < 0)
            return command_fail("%s: %s", path, strerror(-r));
        if (!work->chain.place.file)
            work->chain.place.file = path;
        status = verify_lines(work, &reader, path, i + 1 == request->file_count);
        reader_close(&reader);
    }
    struct chain_problem problem;
    if (status == COMMAND_OK && chain_end(&work->chain, &problem) < 0)
        status = say_problem(LINE_BROKEN, &problem);
    return status;
}

static int report(const struct work *work, const struct request *request)
{
    const struct chain *chain = &work->chain;
    uint64_t unsealed = chain->records - chain->sealed;
    printf("ok: %llu records, %llu checkpoints", (unsigned long long)chain->records,
           (unsigned long long)chain->checkpoints);
    if (chain->last)
        printf(", last %s", chain->time);
    putchar('\n');
    if (!request->keys)
        puts("no checkpoint was checked: that needs --keys");
    else if (unsealed > 0)
        printf("unsealed tail: %llu\n", (unsigned long long)unsealed);
    if (work->unfinished > 0)
        printf("unfinished line: %zu bytes\n", work->unfinished);
    if (chain->gaps > 0)
        printf("gaps: %llu, see hintsign-audit show\n", (unsigned long long)chain->gaps);
    if (chain->last) {
        printf("end: %lld:", (long long)chain->last);
        for (size_t i = 0; i < sizeof chain->hash; i++)
            printf("%02x", chain->hash[i]);
        putchar('\n');
    }
    return request->strict && (unsealed > 0 || work->unfinished > 0) ? COMMAND_UNSEALED
                                                                     : COMMAND_OK;
}

static int verify(const struct request *request)
{
    struct work work = {.jose = NULL};
    int status = COMMAND_OK;
    if (jose_new(NULL, &work.jose) < 0)
        return command_fail("OpenSSL cannot be used");
    if (request->keys)
        status = load_keys(request->keys, &work);
    struct chain_rules rules = {work.jose, work.keys, request->expected, request->expected_count};
    if (status == COMMAND_OK && chain_open(&rules, &work.chain) < 0)
        status = command_fail("out of memory");
    if (status == COMMAND_OK)
        status = verify_files(&work, request);
    if (status == COMMAND_OK)
        status = report(&work, request);
    chain_close(&work.chain);
    text_free(&work.room);
    jwks_free(work.keys);
    jose_free(work.jose);
    return status;
}

int verify_run(int argc, char **argv)
{
    struct request request = {.expected = calloc((size_t)argc, sizeof *request.expected)};
    if (!request.expected)
        return command_fail("out of memory");
    int status = take_options(argc, argv, &request);
    if (status == COMMAND_OK && request.help)
        fputs(usage, stdout);
    else if (status == COMMAND_OK)
        status = verify(&request);
    free(request.expected);
    return status;
}
