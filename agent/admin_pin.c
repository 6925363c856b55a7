/* Takes the PIN out of a message before the JSON library sees it: that copies strings about and
 * frees the copies as they are. */
#include "config.h"
#include "agent/admin_pin.h"

#include <stdint.h>
#include <string.h>

/* A string of JSON text, without its quotes. */
struct span {
    char *start;
    size_t length;
};

/* The string whose first quote is at *at; *at moves behind its last one. */
static bool next_string(char *text, size_t length, size_t *at, struct span *ret_string)
{
    const char *quote = memchr(text + *at, '"', length - *at);
    if (!quote)
        return false;
    size_t start = (size_t)(quote - text) + 1, end = start;
    while (end < length && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    if (end >= length)
        return false;
    *ret_string = (struct span){text + start, end - start};
    *at = end + 1;
    return true;
}

static size_t skip_blanks(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] != '\0' && strchr(" \t\r\n", text[at]))
        at++;
    return at;
}

/* Whether the string is the name of a member whose value is a string; then *at is at its quote. */
static bool is_pin(const char *text, size_t length, const struct span *string, size_t *at)
{
    if (string->length != 3 || memcmp(string->start, "pin", 3) != 0)
        return false;
    size_t colon = skip_blanks(text, length, *at);
    if (colon == length || text[colon] != ':')
        return false;
    size_t value = skip_blanks(text, length, colon + 1);
    if (value == length || text[value] != '"')
        return false;
    *at = value;
    return true;
}

/* Four hexadecimal digits, or -1. */
static int32_t read_unit(const char *digits, const char *end)
{
    int32_t unit = 0;
    if (end - digits < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t put_utf8(unsigned char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)(leads[length] | c);
    return length;
}

/* Of "\u....", perhaps two that make one character, behind the 'u' (RFC 8259 section 7). Returns
 * how many bytes were written, which is less than it takes, or 0; *in moves behind it. */
static size_t decode_unicode(const char **in, const char *end, unsigned char *out)
{
    int32_t high = read_unit(*in, end), low;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000))
        return 0;
    *in += 4;
    if (high < 0xd800 || high >= 0xe000)
        return put_utf8(out, (uint32_t)high);
    if (end - *in < 6 || (*in)[0] != '\\' || (*in)[1] != 'u')
        return 0;
    low = read_unit(*in + 2, end);
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *in += 6;
    return put_utf8(out, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
}

static size_t decode_escape(const char **in, const char *end, unsigned char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = *(*in)++;
    if (c == 'u')
        return decode_unicode(in, end, out);
    const char *name = c ? strchr(names, c) : NULL;
    if (!name)
        return 0;
    *out = (unsigned char)values[name - names];
    return 1;
}

static int decode(const struct span *string, struct secret *ret_pin)
{
    const char *in = string->start, *end = in + string->length;
    if (string->length > SECRET_MAX || secret_reserve(ret_pin, string->length) < 0)
        return -1;
    size_t length = 0;
    while (in < end) {
        size_t n = 1;
        if ((unsigned char)*in < 0x20)
            return -1;
        if (*in == '\\') {
            in++;
            n = decode_escape(&in, end, ret_pin->data + length);
        } else {
            ret_pin->data[length] = (unsigned char)*in++;
        }
        if (n == 0)
            return -1;
        length += n;
    }
    ret_pin->length = length;
    return 0;
}

int admin_pin_take(char *text, size_t length, struct secret *ret_pin, bool *ret_found)
{
    _cleanup_secret_ struct secret pin = {0};
    struct span string;
    size_t at = 0;
    int r = 0;
    bool found = false;
    while (next_string(text, length, &at, &string)) {
        if (!is_pin(text, length, &string, &at) || !next_string(text, length, &at, &string))
            continue;
        if (found || decode(&string, &pin) < 0)
            r = -1;
        memset(string.start, 'x', string.length);
        found = true;
    }
    if (r < 0)
        return r;
    *ret_pin = pin;
    *ret_found = found;
    pin.data = NULL;
    return 0;
}
