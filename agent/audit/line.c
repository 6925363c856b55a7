/* Reads one line of an audit log: strictly, because every other form of it may be a forgery. */
#include "config.h"
#include "agent/audit/line.h"
#include "agent/audit_file.h"

#include <string.h>

static bool put_value(struct text *text, const json_t *value, unsigned depth);

static bool put_object(struct text *text, const json_t *object, unsigned depth)
{
    const char *separator = "{";
    if (json_object_size(object) == 0)
        text_put(text, "{");
    for (void *i = json_object_iter((json_t *)object); i;
         i = json_object_iter_next((json_t *)object, i)) {
        const char *name = json_object_iter_key(i);
        text_put(text, separator);
        text_string(text, name, strlen(name));
        text_put(text, ":");
        if (!put_value(text, json_object_iter_value(i), depth))
            return false;
        separator = ",";
    }
    text_put(text, "}");
    return true;
}

static bool put_array(struct text *text, const json_t *array, unsigned depth)
{
    size_t i;
    const json_t *element;
    text_put(text, "[");
    json_array_foreach(array, i, element)
    {
        if (i > 0)
            text_put(text, ",");
        if (!put_value(text, element, depth))
            return false;
    }
    text_put(text, "]");
    return true;
}

/* Returns false for what no audit line holds: a fraction, or deeper nesting. */
static bool put_value(struct text *text, const json_t *value, unsigned depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return depth > 0 && put_object(text, value, depth - 1);
    case JSON_ARRAY:
        return depth > 0 && put_array(text, value, depth - 1);
    case JSON_STRING:
        text_string(text, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        text_integer(text, json_integer_value(value));
        return true;
    case JSON_TRUE:
        text_put(text, "true");
        return true;
    case JSON_FALSE:
        text_put(text, "false");
        return true;
    case JSON_NULL:
        text_put(text, "null");
        return true;
    case JSON_REAL:
        break;
    }
    return false;
}

static int fail(const char **error, int code, const char *phrase)
{
    *error = phrase;
    return code;
}

static int parse(const char *text, size_t length, struct text *room, json_t **ret_record,
                 const char **error)
{
    json_error_t why;
    if (length > AUDIT_LINE_MAX)
        return fail(error, LINE_BROKEN, "is longer than any that the agent writes");
    json_t *record = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    if (!record)
        return json_error_code(&why) == json_error_out_of_memory
                   ? fail(error, LINE_FAILED, "needs more memory than there is")
                   : fail(error, LINE_BROKEN, "is not JSON");
    text_clear(room);
    int r = 0;
    if (!json_is_object(record) || !put_value(room, record, LINE_DEPTH_MAX))
        r = fail(error, LINE_BROKEN, "is no audit record");
    else if (room->failed)
        r = fail(error, LINE_FAILED, "needs more memory than there is");
    else if (room->length != length || memcmp(room->data, text, length) != 0)
        r = fail(error, LINE_BROKEN, "is not written as the agent writes JSON");
    if (r == 0)
        *ret_record = record;
    else
        json_decref(record);
    return r;
}

bool line_hash(const char *text, unsigned char ret_hash[static AUDIT_HASH_BYTES])
{
    return text && strlen(text) == (size_t)2 * AUDIT_HASH_BYTES &&
           audit_record_read_hash(text, ret_hash);
}

bool line_begins_time(const char *text)
{
    static const char pattern[] = "0000-00-00T00:00:00.000000Z";
    for (size_t i = 0; text[i]; i++)
        if (i == LINE_TIME_LENGTH ||
            (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i]))
            return false;
    return true;
}

/* The members that every record has, in their places. */
static int take_members(json_t *record, struct line *line, const char **error)
{
    static const char *const first[] = {"seq", "time", "type"};
    const json_t *values[3] = {NULL, NULL, NULL};
    void *i = json_object_iter(record);
    for (size_t n = 0; n < 3 && i; n++, i = json_object_iter_next(record, i)) {
        if (strcmp(json_object_iter_key(i), first[n]) != 0)
            return fail(error, LINE_BROKEN, "does not begin with seq, time and type");
        values[n] = json_object_iter_value(i);
    }
    const char *last = NULL, *prev = NULL;
    for (; i; i = json_object_iter_next(record, i)) {
        last = json_object_iter_key(i);
        prev = json_string_value(json_object_iter_value(i));
    }
    if (!last || strcmp(last, "prev") != 0 || !line_hash(prev, line->prev))
        return fail(error, LINE_BROKEN, "does not end with prev, a SHA-256");
    line->sequence = json_integer_value(values[0]);
    line->time = json_string_value(values[1]);
    line->type = json_string_value(values[2]);
    if (line->sequence < 1 || line->sequence > LINE_SEQUENCE_MAX)
        return fail(error, LINE_BROKEN, "has no sequence number");
    if (!line->time || strlen(line->time) != LINE_TIME_LENGTH || !line_begins_time(line->time))
        return fail(error, LINE_BROKEN, "has no time in UTC with microseconds");
    if (!line->type)
        return fail(error, LINE_BROKEN, "has no type");
    return 0;
}

int line_parse(const struct jose *jose, const char *text, size_t length, struct text *room,
               struct line *ret_line, const char **error)
{
    struct line line = {.record = NULL};
    int r = parse(text, length, room, &line.record, error);
    if (r == 0)
        r = take_members(line.record, &line, error);
    if (r == 0 && EVP_Digest(text, length, line.hash, NULL, jose->digests[JOSE_SHA256], NULL) != 1)
        r = fail(error, LINE_FAILED, "cannot be hashed");
    if (r == 0)
        *ret_line = line;
    else
        line_clear(&line);
    return r;
}

void line_clear(struct line *line)
{
    json_decref(line->record);
    line->record = NULL;
}
