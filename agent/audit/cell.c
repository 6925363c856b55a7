/* Prints text of others in columns, so that no terminal obeys it. */
#include "config.h"
#include "agent/audit/cell.h"

/* The control character here (U+0000 to U+001F, U+007F, or U+0080 to U+009F in two bytes), or 0. */
static unsigned control_at(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f)
        return text[0];
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? text[1] : 0;
}

void cell_print(FILE *stream, const char *text, int width)
{
    int printed = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        unsigned control = control_at(c);
        if (control) {
            printed += fprintf(stream, "\\u%04x", control);
            c += control >= 0x80;
        } else {
            putc(*c, stream);
            printed += (*c & 0xc0) != 0x80; /* the first byte of a character */
        }
    }
    if (width > 0)
        fprintf(stream, "%*s", width > printed ? width - printed : 1, "");
}
