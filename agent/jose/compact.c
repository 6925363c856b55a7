/* Takes compact tokens apart: parts, bytes and protected header. */
#include "config.h"
#include "agent/jose/compact.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jose.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int compact_split(const char *token, size_t length, size_t count, struct compact_part *ret_parts)
{
    const char *end = token + length;
    if (length > COMPACT_LENGTH_MAX)
        return JOSE_INVALID;
    for (size_t i = 0; i < count; i++) {
        const char *dot = memchr(token, '.', (size_t)(end - token));
        if ((i + 1 < count) != (dot != NULL))
            return JOSE_INVALID;
        ret_parts[i] = (struct compact_part){token, (size_t)((dot ? dot : end) - token)};
        token = dot ? dot + 1 : end;
    }
    return 0;
}

int compact_decode(const struct compact_part *part, unsigned char **ret_data, size_t *ret_length)
{
    size_t length = BASE64URL_BYTES(part->length);
    unsigned char *data = malloc(length + 1);
    if (!data)
        return JOSE_MEMORY;
    if (base64url_decode(part->text, part->length, data) < 0) {
        free(data);
        return JOSE_INVALID;
    }
    data[length] = '\0';
    *ret_data = data;
    *ret_length = length;
    return 0;
}

static bool is_known(const char *name, const char *const *known)
{
    for (; *known; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return false;
}

static int check_members(const json_t *header, const char *const *known)
{
    const char *name;
    json_t *value;
    if (!json_is_object(header))
        return JOSE_INVALID;
    json_object_foreach((json_t *)header, name, value)
    {
        if (!is_known(name, known))
            return JOSE_UNSUPPORTED;
    }
    return 0;
}

int compact_header(const struct compact_part *part, const char *const *known, json_t **ret_header)
{
    unsigned char *text;
    size_t length;
    int r = compact_decode(part, &text, &length);
    if (r < 0)
        return r;
    json_t *header = json_loadb((char *)text, length, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    r = check_members(header, known);
    if (r < 0) {
        json_decref(header);
        return r;
    }
    *ret_header = header;
    return 0;
}

int compact_text(const json_t *header, const char *name, const char **ret_text)
{
    const char *text = json_string_value(json_object_get(header, name));
    if (!text)
        return JOSE_INVALID;
    *ret_text = text;
    return 0;
}
