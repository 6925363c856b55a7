/* base64 with padding: base64url, with two other characters and filled up to fours. */
#include "config.h"
#include "agent/base64.h"
#include "agent/jose/base64url.h"

#include <string.h>

void base64_encode(const void *data, size_t length, char *ret_text)
{
    size_t used = BASE64URL_LENGTH(length);
    base64url_encode(data, length, ret_text);
    for (size_t i = 0; i < used; i++)
        if (ret_text[i] == '-' || ret_text[i] == '_')
            ret_text[i] = ret_text[i] == '-' ? '+' : '/';
    memset(ret_text + used, '=', BASE64_LENGTH(length) - used);
}

/* Fails on characters that only base64url has. */
static int to_base64url(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '-' || text[i] == '_')
            return -1;
        if (text[i] == '+' || text[i] == '/')
            text[i] = text[i] == '+' ? '-' : '_';
    }
    return 0;
}

int base64_decode(char *text, size_t length, size_t *ret_length)
{
    size_t used = length;
    if (length % 4 != 0)
        return -1;
    while (length - used < 2 && used > 0 && text[used - 1] == '=')
        used--;
    if (to_base64url(text, used) < 0 || base64url_decode(text, used, (unsigned char *)text) < 0)
        return -1;
    *ret_length = BASE64URL_BYTES(used);
    return 0;
}
