/* Asking a person at the terminal. */
#ifndef HINTSIGN_KEY_PROMPT_H
#define HINTSIGN_KEY_PROMPT_H

#include "pkcs11/secret.h"

#include <stdbool.h>

/* A terminal's line holds less than this many bytes; it drops the rest without a word. */
#define PROMPT_LINE_MAX 4095

/* Asks on the process's terminal (/dev/tty), without echo, and reads one line; the newline is
 * dropped. A signal restores the terminal before it is acted on. Returns 0, -ENXIO where there is
 * no terminal, -EMSGSIZE from PROMPT_LINE_MAX bytes on, -EINTR, or another negative errno. */
int prompt_secret(const char *question, struct secret *ret_secret);

/* Asks for a token's PIN: a token_ask_pin. */
int prompt_pin(const char *token_label, struct secret *ret_pin);

/* Asks on standard error, and reads the answer from standard input, a terminal: true for "yes". */
bool prompt_yes(const char *question);

#endif
