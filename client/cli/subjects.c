/* mint --subjects-from: one token for each line of a file, in a pipeline. */
#include "config.h"
#include "client/cli/subjects.h"

#include "client/cli/lines.h"
#include "client/cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines that are asked for in one pipeline. */
#define BATCH 1024

struct job {
    struct hintsign *handle;
    const struct subjects_order *order;
    struct lines lines;
    struct progress progress;
    size_t done; /* lines that were answered */
    int status;
    size_t count; /* requests of this batch */
    struct hintsign_request requests[BATCH];
    uint64_t ends[BATCH]; /* where in the file each of their lines ends */
};

/* Claims that are no JSON, so that the library refuses them when their turn comes. */
#define NO_CLAIMS "\xff"

/* The claims of one line. What is not UTF-8 cannot become a subject. None of it may take the
 * subject's place: the line would choose its own claims. */
static char *compose_claims(json_t *common, const char *line, size_t length)
{
    json_t *subject = json_stringn(line, length);
    if (!subject)
        return strdup(NO_CLAIMS);
    json_object_set_new(common, "sub", subject);
    return json_dumps(common, JSON_COMPACT);
}

static void clear_batch(struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        free((char *)job->requests[i].claims);
    job->count = 0;
}

static int fill_batch(struct job *job)
{
    const char *line;
    size_t length;
    clear_batch(job);
    while (job->count < BATCH && lines_next(&job->lines, &line, &length)) {
        char *claims = compose_claims(job->order->claims, line, length);
        if (!claims)
            return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
        job->requests[job->count] = job->order->request;
        job->requests[job->count].claims = claims;
        job->ends[job->count++] = job->lines.taken;
    }
    return CLI_OK;
}

/* A refusal stays the result, whatever else happens to other lines. */
static void note_failure(struct job *job, int code)
{
    const struct hintsign_error *error = hintsign_last_error(job->handle);
    progress_clear(&job->progress);
    int status = cli_status(code) == CLI_AGAIN ? CLI_AGAIN : CLI_REFUSED;
    cli_fail(status, error->name, "line %zu: %s", job->done, error->message);
    if (job->status != CLI_REFUSED)
        job->status = status;
}

static void answer(void *data, size_t index, int code, const struct hintsign_token *token)
{
    struct job *job = data;
    job->done++;
    if (code == HINTSIGN_OK) {
        format_print(job->order->format, job->order->prefix, token);
    } else {
        putchar('\n');
        note_failure(job, code);
    }
    progress_update(&job->progress, job->ends[index], job->done);
}

static int run_batch(struct job *job)
{
    int status = fill_batch(job);
    if (status != CLI_OK)
        return status;
    int code = hintsign_mint_many(job->handle, job->requests, job->count, answer, job);
    if (code == HINTSIGN_OK)
        return cli_finish(CLI_OK);
    const struct hintsign_error *error = hintsign_last_error(job->handle);
    progress_clear(&job->progress);
    return cli_fail(cli_status(code), error->name, "from line %zu on: %s", job->done + 1,
                    error->message);
}

/* Returns CLI_OK at the end of the file, whatever became of single lines. */
static int run_all(struct job *job)
{
    int r;
    while ((r = lines_read(&job->lines)) > 0) {
        int status;
        do
            status = run_batch(job);
        while (status == CLI_OK && job->count == BATCH);
        if (status != CLI_OK)
            return status;
    }
    if (r == 0)
        return CLI_OK;
    errno = -r;
    progress_clear(&job->progress);
    return cli_fail(CLI_USAGE, "Input", "cannot read line %zu of %s: %m", job->done + 1,
                    job->order->path);
}

int subjects_mint(struct hintsign *handle, const struct subjects_order *order)
{
    bool is_stdin = strcmp(order->path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(order->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(CLI_USAGE, "Input", "cannot open %s: %m", order->path);
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    job->handle = handle;
    job->order = order;
    job->lines.fd = fd;
    progress_start(&job->progress, fd);
    int status = run_all(job);
    progress_clear(&job->progress);
    if (status == CLI_OK)
        status = job->status;
    clear_batch(job);
    free(job);
    if (!is_stdin)
        close(fd);
    return status;
}
