/* base64 with padding (RFC 4648 section 4), as the parameters of Sign have it. Shared by the client
 * library and the agent. */
#ifndef HINTSIGN_CLIENT_BASE64_H
#define HINTSIGN_CLIENT_BASE64_H

#include <stddef.h>

/* How many characters `length` bytes become. */
#define BASE64_LENGTH(length) (((length) + 2) / 3 * 4)

/* How many bytes `length` characters become at most. */
#define BASE64_BYTES(length) ((length) / 4 * 3)

/* Writes exactly BASE64_LENGTH(length) characters, no NUL. */
void base64_encode(const void *data, size_t length, char *ret_text);

/* Writes at most BASE64_BYTES(length) bytes. Takes the canonical form alone: padded, without white
 * space, unused bits zero. The bytes may go where the text begins. Returns how many it wrote, or
 * -1. */
ptrdiff_t base64_decode(const char *text, size_t length, unsigned char *ret_data);

#endif
