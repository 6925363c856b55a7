/* A folder of a test's own, with the files that it writes there. */
#ifndef HINTSIGN_TESTS_SCRATCH_H
#define HINTSIGN_TESTS_SCRATCH_H

#include <stddef.h>
#include <sys/resource.h>

/* Setup and teardown for cmocka: makes the folder, and removes it with all that is in it. */
int scratch_open(void **state);
int scratch_close(void **state);

/* The path of a file in it; one of the last few that were asked for. */
const char *scratch_path(const char *name);

/* Writes a file (mode 0600) or a folder (0700), and returns its path. */
const char *scratch_write(const char *name, const char *text);
const char *scratch_folder(const char *name);

/* The same with JSON, in which ' stands for ". */
const char *scratch_json(const char *name, const char *text);

/* The file's bytes and a NUL behind them; to be freed. `ret_length` may be NULL. */
char *scratch_read(const char *name, size_t *ret_length);

/* Standard output goes into a file of that name from here on, until scratch_output_end. */
void scratch_output(const char *name);
void scratch_output_end(void);

/* Lets no file of this process grow beyond that many bytes, as on a full disk; RLIM_INFINITY ends
 * that, and so does scratch_close. */
void scratch_limit(rlim_t bytes);

/* A copy in which every ' is a "; to be freed. */
char *quoted(const char *text);

#endif
