/* base64url without padding (RFC 7515 section 2, RFC 4648 section 5). */
#ifndef HINTSIGN_JOSE_BASE64URL_H
#define HINTSIGN_JOSE_BASE64URL_H

#include <stddef.h>

/* How many characters `length` bytes become. */
#define BASE64URL_LENGTH(length) (((length)*4 + 2) / 3)

/* How many bytes `length` characters become. */
#define BASE64URL_BYTES(length) ((length) / 4 * 3 + (length) % 4 * 3 / 4)

/* Writes exactly BASE64URL_LENGTH(length) characters, no NUL. */
void base64url_encode(const void *data, size_t length, char *ret_text);

/* Writes exactly BASE64URL_BYTES(length) bytes, which may be where the text is. Takes the canonical
 * form alone, so that no two texts stand for the same bytes: no padding, no white space, unused
 * bits zero. Returns 0 or JOSE_INVALID; what was written then is of no use. */
int base64url_decode(const char *text, size_t length, void *ret_data);

#endif
