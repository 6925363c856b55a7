/* Parses JSON strictly, in place, within the room it is given; writes it again. */
#include "config.h"
#include "client/json_value.h"
#include "client/utf8.h"

#include <string.h>

/* Bytes of a text for which making room for the most values costs less than counting them. */
#define SHORT_TEXT ((size_t)1024)

struct reader {
    char *at, *end;
    struct json_value *values;
    size_t used, max;
    unsigned depth;
};

static bool is_next(const struct reader *reader, char c)
{
    return reader->at < reader->end && *reader->at == c;
}

static bool take(struct reader *reader, char c)
{
    if (!is_next(reader, c))
        return false;
    reader->at++;
    return true;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

/* --- strings --- */

/* The four digits of \uXXXX, or -1. */
static int take_hex4(struct reader *reader)
{
    int code = 0;
    if (reader->end - reader->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *reader->at++;
        if (c >= '0' && c <= '9')
            code = code * 16 + c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            code = code * 16 + (c | 0x20) - 'a' + 10;
        else
            return -1;
    }
    return code;
}

/* Behind "\u": the code point, of which surrogates are the two halves; -1 for those alone. */
static int take_code_point(struct reader *reader)
{
    int high = take_hex4(reader);
    if (high <= 0 || high < 0xd800 || high > 0xdfff)
        return high > 0 ? high : -1;
    if (high > 0xdbff || !take(reader, '\\') || !take(reader, 'u'))
        return -1;
    int low = take_hex4(reader);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_utf8(char *out, int code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    int bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const int marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(marks[bytes] | code >> 6 * (bytes - 1));
    for (int i = bytes - 2; i >= 0; i--)
        *out++ = (char)(0x80 | (code >> 6 * i & 0x3f));
    return out;
}

/* Behind a backslash. What it stands for never takes more bytes than it does. NULL: no escape. */
static char *take_escape(struct reader *reader, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end)
        return NULL;
    char c = *reader->at++;
    if (c == 'u') {
        int code = take_code_point(reader);
        return code < 0 ? NULL : put_utf8(out, code);
    }
    const char *name = c ? strchr(names, c) : NULL;
    if (!name)
        return NULL;
    *out++ = values[name - names];
    return out;
}

/* Behind the opening quote: decodes in place. */
static int take_string(struct reader *reader, char **ret_string, size_t *ret_length)
{
    char *out = reader->at;
    *ret_string = out;
    while (reader->at < reader->end) {
        size_t left = (size_t)(reader->end - reader->at), length = text_plain(reader->at, left);
        if (length == 0)
            length = utf8_length(reader->at, left);
        if (length > 0) {
            if (out != reader->at)
                memmove(out, reader->at, length);
            out += length;
            reader->at += length;
        } else if (take(reader, '\\')) {
            out = take_escape(reader, out);
            if (!out)
                return -1;
        } else if (take(reader, '"')) {
            *out = '\0';
            *ret_length = (size_t)(out - *ret_string);
            return 0;
        } else {
            return -1;
        }
    }
    return -1;
}

/* --- numbers --- */

static size_t skip_digits(struct reader *reader)
{
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - start);
}

/* Returns false when the digits say more than 64 bits hold. */
static bool to_integer(const char *digits, size_t count, bool negative, int64_t *ret_integer)
{
    int64_t value = 0; /* below zero, where there is room for one more */
    for (size_t i = 0; i < count; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digits[i] - '0', &value))
            return false;
    return negative ? (*ret_integer = value, true) : !__builtin_sub_overflow(0, value, ret_integer);
}

static int take_number(struct reader *reader, struct json_value *value)
{
    const char *start = reader->at;
    bool negative = take(reader, '-'), whole = true;
    const char *digits = reader->at;
    size_t count = skip_digits(reader);
    if (count == 0 || (count > 1 && digits[0] == '0'))
        return -1;
    if (take(reader, '.')) {
        whole = false;
        if (skip_digits(reader) == 0)
            return -1;
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        whole = false;
        if (!take(reader, '+'))
            take(reader, '-');
        if (skip_digits(reader) == 0)
            return -1;
    }
    whole = whole && to_integer(digits, count, negative, &value->integer);
    value->type = whole ? JSON_VALUE_INTEGER : JSON_VALUE_NUMBER;
    if (!whole) {
        value->number = start;
        value->length = (size_t)(reader->at - start);
    }
    return 0;
}

/* --- values --- */

static int take_value(struct reader *reader, struct json_value **ret_value);

static int take_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return -1;
    reader->at += length;
    return 0;
}

/* FNV-1a: spares most comparisons of names. */
static uint32_t hash(const char *name, size_t length)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

static bool is_duplicate(const struct json_value *object, const struct json_value *member)
{
    const struct json_value *other = object + 1;
    for (; other < member; other += other->size)
        if (other->name_hash == member->name_hash && strcmp(other->name, member->name) == 0)
            return true;
    return false;
}

static int take_member(struct reader *reader, const struct json_value *object)
{
    char *name;
    size_t length;
    struct json_value *member;
    if (object->count == JSON_VALUE_MEMBERS_MAX)
        return -1;
    skip_blanks(reader);
    if (!take(reader, '"') || take_string(reader, &name, &length) < 0)
        return -1;
    skip_blanks(reader);
    if (!take(reader, ':') || take_value(reader, &member) < 0)
        return -1;
    member->name = name;
    member->name_hash = hash(name, length);
    return is_duplicate(object, member) ? -1 : 0;
}

static int take_element(struct reader *reader, const struct json_value *array)
{
    struct json_value *element;
    (void)array;
    return take_value(reader, &element);
}

/* Behind the opening bracket. */
static int take_container(struct reader *reader, struct json_value *value, char close,
                          int (*take_one)(struct reader *reader,
                                          const struct json_value *container))
{
    if (++reader->depth > JSON_VALUE_DEPTH_MAX)
        return -1;
    skip_blanks(reader);
    if (!take(reader, close)) {
        do {
            if (take_one(reader, value) < 0)
                return -1;
            value->count++;
        } while (take(reader, ','));
        if (!take(reader, close))
            return -1;
    }
    reader->depth--;
    return 0;
}

static int take_typed(struct reader *reader, struct json_value *value)
{
    switch (reader->at < reader->end ? *reader->at : '\0') {
    case '{':
        reader->at++;
        value->type = JSON_VALUE_OBJECT;
        return take_container(reader, value, '}', take_member);
    case '[':
        reader->at++;
        value->type = JSON_VALUE_ARRAY;
        return take_container(reader, value, ']', take_element);
    case '"':
        reader->at++;
        value->type = JSON_VALUE_STRING;
        return take_string(reader, &value->string, &value->length);
    case 't':
        value->type = JSON_VALUE_TRUE;
        return take_word(reader, "true");
    case 'f':
        value->type = JSON_VALUE_FALSE;
        return take_word(reader, "false");
    case 'n':
        value->type = JSON_VALUE_NULL;
        return take_word(reader, "null");
    default:
        return take_number(reader, value);
    }
}

/* A value and the blanks around it. */
static int take_value(struct reader *reader, struct json_value **ret_value)
{
    if (reader->used == reader->max)
        return -1;
    struct json_value *value = &reader->values[reader->used++];
    *value = (struct json_value){0};
    skip_blanks(reader);
    if (take_typed(reader, value) < 0)
        return -1;
    skip_blanks(reader);
    value->size = (uint32_t)(reader->values + reader->used - value);
    *ret_value = value;
    return 0;
}

int json_value_parse(char *text, size_t length, struct json_value *values, size_t max)
{
    struct reader reader = {.at = text, .end = text + length, .values = values, .max = max};
    struct json_value *value;
    if (take_value(&reader, &value) < 0)
        return -1;
    return reader.at == reader.end ? 0 : -1;
}

const struct json_value *json_value_first(const struct json_value *container)
{
    return container + 1;
}

const struct json_value *json_value_next(const struct json_value *value)
{
    return value + value->size;
}

const struct json_value *json_value_member(const struct json_value *object, const char *name)
{
    if (!object || object->type != JSON_VALUE_OBJECT)
        return NULL;
    const struct json_value *member = json_value_first(object);
    for (uint32_t i = 0; i < object->count; i++, member = json_value_next(member))
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

size_t json_value_most(const char *text, size_t length)
{
    size_t count = 1;
    if (length <= SHORT_TEXT)
        return length / 2 + 1; /* each behind the first takes a byte, and one before it */
    for (size_t i = 0; i < length; i++)
        count += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
    return count;
}

const char *json_value_string(const struct json_value *object, const char *name)
{
    const struct json_value *member = json_value_member(object, name);
    return member && member->type == JSON_VALUE_STRING ? member->string : NULL;
}

static void write_contents(const struct json_value *container, struct text *out)
{
    const struct json_value *value = json_value_first(container);
    for (uint32_t i = 0; i < container->count; i++, value = json_value_next(value)) {
        if (i > 0)
            text_put(out, ",");
        if (value->name) {
            text_string(out, value->name, strlen(value->name));
            text_put(out, ":");
        }
        json_value_write(value, out);
    }
}

void json_value_write(const struct json_value *value, struct text *out)
{
    static const char *const words[] = {
        [JSON_VALUE_NULL] = "null", [JSON_VALUE_FALSE] = "false", [JSON_VALUE_TRUE] = "true"};
    switch (value->type) {
    case JSON_VALUE_INTEGER:
        text_integer(out, value->integer);
        break;
    case JSON_VALUE_NUMBER:
        text_add(out, value->number, value->length);
        break;
    case JSON_VALUE_STRING:
        text_string(out, value->string, value->length);
        break;
    case JSON_VALUE_ARRAY:
    case JSON_VALUE_OBJECT:
        text_put(out, value->type == JSON_VALUE_ARRAY ? "[" : "{");
        write_contents(value, out);
        text_put(out, value->type == JSON_VALUE_ARRAY ? "]" : "}");
        break;
    default:
        text_put(out, words[value->type]);
    }
}
