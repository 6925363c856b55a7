/* Text of others, on a terminal. */
#ifndef HINTSIGN_CLI_TEXT_H
#define HINTSIGN_CLI_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Prints UTF-8 that may come from anybody: a control character is written as JSON writes it
 * (\u001b), so that it reaches no terminal and JSON stays JSON. Newlines stay if `lines`. */
void text_print(FILE *stream, const char *text, bool lines);

#endif
