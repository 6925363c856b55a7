/* base64url without padding (RFC 7515 section 2). */
#include "config.h"
#include "agent/jose/base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *data, size_t length, char *ret_text)
{
    const unsigned char *in = data;
    for (; length >= 3; length -= 3, in += 3) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *ret_text++ = alphabet[bits >> 18];
        *ret_text++ = alphabet[bits >> 12 & 63];
        *ret_text++ = alphabet[bits >> 6 & 63];
        *ret_text++ = alphabet[bits & 63];
    }
    if (length == 0)
        return;
    uint32_t bits = (uint32_t)in[0] << 16 | (length == 2 ? (uint32_t)in[1] << 8 : 0);
    *ret_text++ = alphabet[bits >> 18];
    *ret_text++ = alphabet[bits >> 12 & 63];
    if (length == 2)
        *ret_text = alphabet[bits >> 6 & 63];
}
