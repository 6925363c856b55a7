/* A progress bar on standard error, for a human at a terminal. */
#include "config.h"
#include "client/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 100
#define WIDTH       40

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, int fd)
{
    struct stat status;
    *progress = (struct progress){.shown = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)};
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        progress->total = (uint64_t)status.st_size;
}

void progress_update(struct progress *progress, uint64_t bytes, size_t count)
{
    int64_t now = now_ms();
    if (!progress->shown || now - progress->drawn < INTERVAL_MS)
        return;
    progress->drawn = now;
    if (progress->total == 0) {
        fprintf(stderr, "\r%zu", count);
        fflush(stderr);
        return;
    }
    if (bytes > progress->total)
        bytes = progress->total;
    static const char hashes[WIDTH + 1] = "########################################";
    int filled = (int)(bytes * WIDTH / progress->total);
    fprintf(stderr, "\r[%.*s%*s] %3" PRIu64 " %% %zu", filled, hashes, WIDTH - filled, "",
            bytes * 100 / progress->total, count);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->drawn = 0;
}
