/* Small inputs, read whole: a file or standard input. */
#ifndef HINTSIGN_CLI_INPUT_H
#define HINTSIGN_CLI_INPUT_H

#include <stddef.h>

/* The longest input. */
#define INPUT_MAX ((size_t)1024 * 1024)

/* Reads the file at `path` to its end, "-" being standard input, and drops one final newline.
 * *ret_text is ended by a NUL that *ret_length does not count; the caller frees it.
 * Returns CLI_OK, or prints why not and returns CLI_USAGE. */
int input_read(const char *path, char **ret_text, size_t *ret_length);

/* For __attribute__((cleanup)) of what input_read and the library give. */
void input_free(char **text);

#endif
