/* base64url without padding (RFC 7515 section 2). */
#include "config.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jose.h"

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

/* The six bits of a character, or 64. */
static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

int base64url_decode(const char *text, size_t length, void *ret_data)
{
    unsigned char *out = ret_data;
    uint32_t bits = 0;
    unsigned held = 0; /* bits that no byte has got yet */
    for (size_t i = 0; i < length; i++) {
        uint32_t value = value_of(text[i]);
        if (value > 63)
            return JOSE_INVALID;
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *out++ = (unsigned char)(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    return held < 6 && bits == 0 ? 0 : JOSE_INVALID;
}
