/* Text of others, in the columns of a terminal. */
#ifndef HINTSIGN_AUDIT_CELL_H
#define HINTSIGN_AUDIT_CELL_H

#include <stdio.h>

/* Prints UTF-8 that may come from anybody, then blanks up to `width` characters, at least one; none
 * where `width` is 0. A control character is printed as JSON writes it (\u001b), so that the
 * terminal does not obey it. */
void cell_print(FILE *stream, const char *text, int width);

#endif
