/* A folder of a test's own, with the files that it writes there. */
#include "config.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS 8

static char folder[256];

/* Nothing here fails but for want of a working machine. */
static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

int scratch_open(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/hintsign-unit.XXXXXX", base ? base : "/tmp");
    must(mkdtemp(folder) != NULL, folder);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int scratch_close(void **state)
{
    (void)state;
    scratch_limit(RLIM_INFINITY);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name)
{
    static char paths[PATHS][512];
    static size_t next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *scratch_write(const char *name, const char *text)
{
    const char *path = scratch_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(fd);
    return path;
}

const char *scratch_folder(const char *name)
{
    const char *path = scratch_path(name);
    must(mkdir(path, 0700) == 0, path);
    return path;
}

const char *scratch_json(const char *name, const char *text)
{
    char *json = quoted(text);
    const char *path = scratch_write(name, json);
    free(json);
    return path;
}

char *scratch_read(const char *name, size_t *ret_length)
{
    const char *path = scratch_path(name);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &st) == 0, path);
    char *text = malloc((size_t)st.st_size + 1);
    must(text && read(fd, text, (size_t)st.st_size) == st.st_size, path);
    close(fd);
    text[st.st_size] = '\0';
    if (ret_length)
        *ret_length = (size_t)st.st_size;
    return text;
}

static int output = -1; /* standard output, while it goes into a file */

void scratch_output(const char *name)
{
    const char *path = scratch_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    fflush(stdout);
    output = dup(STDOUT_FILENO);
    must(output >= 0 && dup2(fd, STDOUT_FILENO) >= 0, "dup2");
    close(fd);
}

void scratch_output_end(void)
{
    fflush(stdout);
    must(dup2(output, STDOUT_FILENO) >= 0, "dup2");
    close(output);
}

void scratch_limit(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN); /* the agent does so too */
    must(getrlimit(RLIMIT_FSIZE, &limit) == 0, "getrlimit");
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
}

char *quoted(const char *text)
{
    char *copy = strdup(text);
    must(copy != NULL, "strdup");
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}
