/* Finds the line on which a value stands: jansson forgets it after parsing. */
#include "config.h"
#include "agent/json_line.h"

#include <string.h>

/* All of these walk valid JSON, so they need no errors: a NUL ends every loop. */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* `p` stands on the opening quote. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* Past an object, an array or a scalar. */
static const char *skip_value(const char *p)
{
    size_t depth = 0;
    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        p++;
    } while (*p && (depth > 0 || !strchr(",]}\n \t\r:", *p)));
    return p;
}

/* `p` stands on the first quote of a member's name. */
static bool is_named(const char *p, const char *name)
{
    size_t length = strlen(name);
    return strncmp(p + 1, name, length) == 0 && p[1 + length] == '"';
}

/* Where the child stands inside the object or array that `p` stands on, and in `*ret_value` where
 * its value begins. A name that was written with escapes is not found: then it is the parent
 * itself, and `*ret_value` is NULL. */
static const char *find_child(const char *p, const struct json_at *child, const char **ret_value)
{
    const char *parent = p;
    p = skip_space(p + 1);
    for (size_t i = 0; *p && *p != '}' && *p != ']'; i++) {
        const char *start = p;
        if (child->name) {
            bool found = is_named(p, child->name);
            p = skip_space(skip_string(p));
            p = skip_space(p + (*p == ':'));
            *ret_value = p;
            if (found)
                return start;
        } else if (i == child->index) {
            *ret_value = p;
            return start;
        }
        p = skip_space(skip_value(p));
        p = skip_space(p + (*p == ','));
    }
    *ret_value = NULL;
    return parent;
}

static const char *find(const char *text, const struct json_at *at, const char **ret_value)
{
    if (!at->parent) {
        *ret_value = skip_space(text);
        return *ret_value;
    }
    const char *value;
    const char *place = find(text, at->parent, &value);
    if (value)
        return find_child(value, at, ret_value);
    *ret_value = NULL;
    return place;
}

size_t json_line(const char *text, const struct json_at *at)
{
    const char *value;
    const char *place = find(text, at, &value);
    size_t line = 1;
    for (const char *p = text; p < place; p++)
        line += *p == '\n';
    return line;
}
