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
    if ((!text->data || text->size - text->length < more) && grow(text, more) < 0) {
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

/* Eight bytes at a time, as most strings are long and plain: a top bit is set in the first byte
 * that is beyond ASCII, below a blank, a quote or a backslash; what is behind that byte does not
 * matter. */
size_t text_plain(const char *string, size_t length)
{
    const uint64_t ones = 0x0101010101010101, tops = ones << 7;
    size_t i = 0;
    for (; length - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t bytes;
        memcpy(&bytes, string + i, sizeof bytes);
        uint64_t quotes = (bytes ^ ones * '"') - ones, backslashes = (bytes ^ ones * '\\') - ones;
        if ((bytes | (bytes - ones * ' ') | quotes | backslashes) & tops)
            break;
    }
    for (; i < length; i++) {
        unsigned char c = (unsigned char)string[i];
        if (c < ' ' || c > 0x7f || c == '"' || c == '\\')
            break;
    }
    return i;
}

void text_string(struct text *text, const char *string, size_t length)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    char *out = text_reserve(text, length * 6 + 2);
    if (!out)
        return;
    char *start = out;
    const char *s = string, *end = s + length;
    *out++ = '"';
    while (s < end) {
        size_t n = text_plain(s, (size_t)(end - s));
        if (n == 0)
            n = utf8_length(s, (size_t)(end - s));
        if (n > 0) {
            memcpy(out, s, n);
            out += n;
            s += n;
        } else if ((unsigned char)*s < 0x80) {
            out += escape((unsigned char)*s++, out);
        } else {
            memcpy(out, replacement, sizeof replacement - 1);
            out += sizeof replacement - 1;
            s++;
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
