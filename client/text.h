/* JSON text as it is written: appended to, never parsed. */
#ifndef HINTSIGN_TEXT_H
#define HINTSIGN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero-initialise; free with text_free. When memory runs out, or the limit is reached, `failed`
 * stays set and later calls do nothing: check it once, at the end. */
struct text {
    char *data;
    size_t length;
    size_t size;
    size_t limit; /* bytes; 0: there is none */
    bool failed;
};

void text_free(struct text *text);

/* Empties the text and keeps its memory and its limit. */
void text_clear(struct text *text);

/* Makes room for `more` bytes behind the text and returns where they go, or NULL. The caller adds
 * what he wrote to `length`. */
char *text_reserve(struct text *text, size_t more);

void text_add(struct text *text, const void *data, size_t length);

/* Of a NUL-terminated string, raw. Here, so that the lengths of literals cost nothing. */
static inline void text_put(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

/* A JSON string, quoted; like ECMAScript's JSON.stringify, only what must be escaped is. Bytes that
 * are not UTF-8, as labels on a token may have, become U+FFFD. */
void text_string(struct text *text, const char *string, size_t length);

/* How many bytes at the front of a string JSON text shows as they are: ASCII without control
 * characters, quotes and backslashes. */
size_t text_plain(const char *string, size_t length);

void text_integer(struct text *text, int64_t value);

/* Lower-case hexadecimal digits. */
void text_hex(struct text *text, const unsigned char *bytes, size_t length);

#endif
