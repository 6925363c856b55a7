/* The forms of claim values: what a profile's `accept` can ask for. Pure. */
#include "config.h"
#include "agent/form.h"

#include <string.h>

bool form_is_text(const char *value, size_t length)
{
    if (length == 0 || length > FORM_VALUE_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20)
            return false;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ITU-T E.164 with the international prefix symbol: "+", a digit that is not 0, at most 15 in
 * all. */
static bool is_e164(const char *value, size_t length)
{
    if (length < 3 || length > 16 || value[0] != '+' || value[1] == '0')
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_digit(value[i]))
            return false;
    return true;
}

/* An addr-spec without comments, quotes or blanks (RFC 5322 section 3.4.1): one "@" with something
 * on both sides. Whether the address exists is the provider's to know. */
static bool is_email(const char *value, size_t length)
{
    const char *at = memchr(value, '@', length);
    if (length > 254 || !at || at == value || at == value + length - 1)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr(" \"(),:;<>[\\]\x7f", value[i]) || (value[i] == '@' && value + i != at))
            return false;
    return true;
}

/* RFC 4122 section 3: 8-4-4-4-12 hexadecimal digits. */
static bool is_uuid(const char *value, size_t length)
{
    if (length != 36)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? value[i] != '-' : !is_hex(value[i]))
            return false;
    }
    return true;
}

/* RFC 3986 section 3: a scheme, ":", and characters that a URI may have. */
static bool is_uri(const char *value, size_t length)
{
    size_t scheme = 0;
    while (scheme < length &&
           (is_letter(value[scheme]) || is_digit(value[scheme]) || strchr("+-.", value[scheme])))
        scheme++;
    if (!is_letter(value[0]) || scheme + 1 >= length || value[scheme] != ':')
        return false;
    for (size_t i = scheme + 1; i < length; i++) {
        char c = value[i];
        if (!is_letter(c) && !is_digit(c) && !strchr("-._~:/?#[]@!$&'()*+,;=%", c))
            return false;
    }
    return true;
}

static const struct form forms[] = {
    {"string", form_is_text, FORM_TEXT}, {"email", is_email, FORM_TEXT},
    {"e164", is_e164, FORM_TEXT},        {"uuid", is_uuid, FORM_TEXT},
    {"uri", is_uri, FORM_TEXT},          {"integer", NULL, FORM_INTEGER},
    {"boolean", NULL, FORM_BOOLEAN},     {"sub_id", NULL, FORM_SUB_ID},
    {"object", NULL, FORM_OBJECT},
};
#define FORMS (sizeof forms / sizeof forms[0])

const struct form *form_find(const char *name)
{
    for (size_t i = 0; i < FORMS; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

const struct form *form_at(size_t index)
{
    return index < FORMS ? &forms[index] : NULL;
}
