/* A file that is written whole or not at all. */
#include "config.h"
#include "client/cli/output.h"

#include "client/cli/cli.h"
#include "client/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0644

static bool has_content(FILE *file, const char *text)
{
    const char *expected = text;
    int c;
    while ((c = getc(file)) != EOF && *expected && (unsigned char)*expected == c)
        expected++;
    return c == EOF && !*expected && !ferror(file);
}

/* Whether the file has this content already. A device or a link in its place, perhaps /dev/null,
 * must not be replaced by a file. */
static int examine(const char *path, const char *text, bool *ret_same)
{
    struct stat status;
    int r = lstat(path, &status);
    if (r < 0 && errno != ENOENT)
        return cli_fail(CLI_USAGE, "Output", "cannot write %s: %m", path);
    if (r == 0 && !S_ISREG(status.st_mode))
        return cli_fail(CLI_USAGE, "Output", "%s is no regular file", path);
    FILE *file = r == 0 ? fopen(path, "re") : NULL;
    *ret_same = file && has_content(file, text);
    if (file)
        fclose(file);
    return CLI_OK;
}

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

/* The file is readable by others only when it is complete, and takes its name only when it is on
 * the disk. */
static int fill(int fd, const char *text)
{
    return write_all(fd, text) < 0 || fchmod(fd, MODE) < 0 || fsync(fd) < 0 ? -1 : 0;
}

static int put(const char *path, const char *text)
{
    __attribute__((cleanup(input_free))) char *temporary = NULL;
    int status = CLI_OK;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return cli_fail(CLI_USAGE, "Output", "cannot make a file beside %s: %m", path);
    int r = fill(fd, text);
    if (r == 0)
        r = rename(temporary, path);
    if (r < 0) {
        status = cli_fail(CLI_AGAIN, "Output", "cannot write %s: %m", path);
        unlink(temporary);
    }
    close(fd);
    return status;
}

int output_write(const char *path, const char *text)
{
    bool same;
    int status = examine(path, text, &same);
    return status == CLI_OK ? put(path, text) : status;
}

int output_replace(const char *path, const char *text)
{
    bool same = false;
    int status = examine(path, text, &same);
    return status == CLI_OK && !same ? put(path, text) : status;
}
