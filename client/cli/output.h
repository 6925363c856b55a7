/* A file that is written whole or not at all. */
#ifndef HINTSIGN_CLI_OUTPUT_H
#define HINTSIGN_CLI_OUTPUT_H

/* Makes `text` the content of the file at `path`, readable by all (mode 0644), in one step:
 * whoever reads it sees the old content or the new. Only a regular file is replaced, no device and
 * no symbolic link. Returns CLI_OK, or prints why not, leaves what was there and returns CLI_USAGE
 * where no file can be made at `path`, or CLI_AGAIN. */
int output_write(const char *path, const char *text);

/* The same, but a file that has this content is left as it is, with its time stamp. */
int output_replace(const char *path, const char *text);

#endif
