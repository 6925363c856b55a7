/* A progress bar on standard error. */
#ifndef HINTSIGN_CLI_PROGRESS_H
#define HINTSIGN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;
    uint64_t total; /* bytes; 0 where nobody knows */
    int64_t drawn;  /* when, in milliseconds */
};

/* The bar shows only where standard error is a terminal and standard output is not: there the
 * results themselves show the progress. `fd` is the input, whose size is the total. */
void progress_start(struct progress *progress, int fd);

/* `bytes` of the input are done, which were `count` requests. Draws ten times a second at most. */
void progress_update(struct progress *progress, uint64_t bytes, size_t count);

/* Removes the bar, before another line on standard error or at the end. */
void progress_clear(struct progress *progress);

#endif
