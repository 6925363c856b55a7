/* base64url without padding (RFC 7515 section 2, RFC 4648 section 5). */
#ifndef HINTSIGN_JOSE_BASE64URL_H
#define HINTSIGN_JOSE_BASE64URL_H

#include <stddef.h>

/* How many characters `length` bytes become. */
#define BASE64URL_LENGTH(length) (((length)*4 + 2) / 3)

/* Writes exactly BASE64URL_LENGTH(length) characters, no NUL. */
void base64url_encode(const void *data, size_t length, char *ret_text);

#endif
