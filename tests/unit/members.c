/* A JSON object with a member a line, of which a test makes one wrong. */
#include "config.h"
#include "tests/unit/members.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static char *add(char *end, size_t line, const char *name, const char *value)
{
    return end + sprintf(end, "%s\n'%s': %s", line > 2 ? "," : "", name, value);
}

size_t members_write(const struct member *rows, const char *name, const char *value,
                     char text[static MEMBERS_TEXT_MAX])
{
    size_t line = 2, found = 0;
    bool known = false;
    char *end = stpcpy(text, "{");
    for (; rows->name; rows++) {
        bool replaced = strcmp(rows->name, name) == 0;
        const char *its_value = replaced ? value : rows->value;
        known |= replaced;
        if (!its_value)
            continue;
        end = add(end, line, rows->name, its_value);
        found = replaced ? line : found;
        line++;
    }
    if (!known) {
        end = add(end, line, name, value);
        found = line;
    }
    strcpy(end, "\n}\n");
    return found ? found : 1;
}
