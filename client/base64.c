/* base64 with padding, by fours of characters and threes of bytes. */
#include "config.h"
#include "client/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t length, char *ret_text)
{
    const unsigned char *bytes = data;
    char *out = ret_text;
    for (size_t i = 0; i < length; i += 3) {
        size_t some = length - i < 3 ? length - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (some > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (some > 2)
            group |= bytes[i + 2];
        for (size_t j = 0; j < 4; j++)
            *out++ = j <= some ? alphabet[group >> (18 - 6 * j) & 63] : '=';
    }
}

static int value_of(char character)
{
    const char *place = character ? strchr(alphabet, character) : NULL;
    return place ? (int)(place - alphabet) : -1;
}

/* One group without its padding: 2 to 4 characters. Returns the bytes, 1 to 3, or -1. */
static int decode_group(const char *text, size_t length, unsigned char *ret_bytes)
{
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return -1;
        group |= (uint32_t)value << (18 - 6 * i);
    }
    if (length < 4 && group & (length == 3 ? 0xffu : 0xffffu))
        return -1;
    for (size_t i = 0; i + 1 < length; i++)
        ret_bytes[i] = (unsigned char)(group >> (16 - 8 * i));
    return (int)length - 1;
}

ptrdiff_t base64_decode(const char *text, size_t length, unsigned char *ret_data)
{
    unsigned char *out = ret_data;
    if (length % 4 != 0)
        return -1;
    for (size_t i = 0; i < length; i += 4) {
        size_t used = 4;
        while (i + 4 == length && used > 2 && text[i + used - 1] == '=')
            used--;
        int bytes = decode_group(text + i, used, out);
        if (bytes < 0)
            return -1;
        out += bytes;
    }
    return out - ret_data;
}
