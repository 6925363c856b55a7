/* base64 with padding (RFC 4648 section 4), as Varlink parameters have it. */
#ifndef HINTSIGN_AGENT_BASE64_H
#define HINTSIGN_AGENT_BASE64_H

#include <stddef.h>

/* How many characters `length` bytes become. */
#define BASE64_LENGTH(length) (((length) + 2) / 3 * 4)

/* Writes exactly BASE64_LENGTH(length) characters, no NUL. */
void base64_encode(const void *data, size_t length, char *ret_text);

/* Decodes in place: the bytes stand where the text began. Takes the canonical form alone: padded,
 * without white space, unused bits zero. Returns 0 or -1. */
int base64_decode(char *text, size_t length, size_t *ret_length);

#endif
