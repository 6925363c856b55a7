/* Writes JSON text. Its bytes are signed and hashed: what one input gives never changes. */
#include "config.h"
#include "client/text.h"
#include "client/utf8.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 512

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->failed = false;
}

static int grow(struct text *text, size_t more)
{
    size_t size = text->size ? text->size : FIRST_SIZE;
    while (size - text->length < more && size <= SIZE_MAX / 2)
        size *= 2;
    char *data = size - text->length < more ? NULL : realloc(text->data, size);
    if (!data)
        return -1;
    text->data = data;
    text->size = size;
    return 0;
}

char *text_reserve(struct text *text, size_t more)
{
    if (text->failed)
        return NULL;
    if (text->limit && more > text->limit - text->length) {
        text->failed = true;
        return NULL;
    }
    if (text->size - text->length < more && grow(text, more) < 0) {
        text->failed = true;
        return NULL;
    }
    return text->data + text->length;
}

void text_add(struct text *text, const void *data, size_t length)
{
    char *end = text_reserve(text, length);
    if (!end)
        return;
    if (length)
        memcpy(end, data, length);
    text->length += length;
}

static size_t escape(unsigned char c, char escaped[6])
{
    static const char digits[] = "0123456789abcdef";
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* character, letter */
    for (size_t i = 0; i + 1 < sizeof short_forms; i += 2) {
        if ((unsigned char)short_forms[i] == c) {
            escaped[0] = '\\';
            escaped[1] = short_forms[i + 1];
            return 2;
        }
    }
    memcpy(escaped, "\\u00", 4);
    escaped[4] = digits[c >> 4];
    escaped[5] = digits[c & 15];
    return 6;
}

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

void text_string(struct text *text, const char *string, size_t length)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    char *out = text_reserve(text, length * 6 + 2);
    if (!out)
        return;
    char *start = out;
    const unsigned char *s = (const unsigned char *)string, *end = s + length;
    *out++ = '"';
    while (s < end) {
        if (must_escape(*s)) {
            out += escape(*s++, out);
        } else if (*s < 0x80) {
            *out++ = (char)*s++;
        } else {
            size_t n = utf8_length(s, (size_t)(end - s));
            memcpy(out, n ? (const char *)s : replacement, n ? n : sizeof replacement - 1);
            out += n ? n : sizeof replacement - 1;
            s += n ? n : 1;
        }
    }
    *out++ = '"';
    text->length += (size_t)(out - start);
}

void text_integer(struct text *text, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        digits[--at] = '-';
    text_add(text, digits + at, sizeof digits - at);
}

void text_hex(struct text *text, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *out = text_reserve(text, length * 2);
    if (!out)
        return;
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    text->length += length * 2;
}
