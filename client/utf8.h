/* UTF-8 (RFC 3629). */
#ifndef HINTSIGN_UTF8_H
#define HINTSIGN_UTF8_H

#include <stddef.h>

/* The bytes of the character beyond ASCII that begins at `text`, which has `left` bytes, at least
 * one; 0 when they are none (section 4). */
size_t utf8_length(const void *text, size_t left);

#endif
