/* Text of others, on a terminal: control characters are shown, not obeyed. */
#include "config.h"
#include "client/cli/text.h"

/* The control character at `text` (C0, DEL, or C1 in two bytes of UTF-8), and its bytes; else 0. */
static unsigned control(const unsigned char *text, size_t *ret_size)
{
    *ret_size = 1;
    if (text[0] < 0x20 || text[0] == 0x7f)
        return text[0];
    if (text[0] != 0xc2 || text[1] < 0x80 || text[1] >= 0xa0)
        return 0;
    *ret_size = 2;
    return text[1];
}

void text_print(FILE *stream, const char *text, bool lines)
{
    size_t size;
    for (const unsigned char *c = (const unsigned char *)text; *c; c += size) {
        unsigned code = control(c, &size);
        if (code && !(lines && code == '\n'))
            fprintf(stream, "\\u%04x", code);
        else
            fputc(*c, stream);
    }
}
