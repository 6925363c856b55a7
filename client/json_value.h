/* One JSON text (RFC 8259), read strictly and in place: what agent and client send each other.
 * Nothing is allocated. Shared by the client library and the agent.
 *
 * Refused are duplicate names, names and strings with U+0000, bytes that are no UTF-8, lone
 * surrogates, anything behind the text, objects of more than JSON_VALUE_MEMBERS_MAX members, and
 * more values or deeper ones than there is room for. */
#ifndef HINTSIGN_JSON_VALUE_H
#define HINTSIGN_JSON_VALUE_H

#include "client/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_VALUE_DEPTH_MAX   16
#define JSON_VALUE_MEMBERS_MAX 512 /* of one object: each name is compared with those before it */

enum json_value_type {
    JSON_VALUE_NULL,
    JSON_VALUE_FALSE,
    JSON_VALUE_TRUE,
    JSON_VALUE_INTEGER,
    JSON_VALUE_NUMBER, /* one with a fraction or an exponent, or beyond 64 bits */
    JSON_VALUE_STRING,
    JSON_VALUE_ARRAY,
    JSON_VALUE_OBJECT,
};

/* A value, and behind it in the same array all that it contains. Names and strings are in the text
 * that was parsed, decoded and ended by a NUL. */
struct json_value {
    enum json_value_type type;
    uint32_t size;  /* places in the array: the value and all that it contains */
    uint32_t count; /* elements or members */
    uint32_t name_hash;
    char *name;    /* of a member of an object; else NULL */
    char *string;  /* of a STRING; else NULL */
    size_t length; /* bytes of the string, or of `number` */
    union {
        int64_t integer;
        const char *number; /* a NUMBER as it stands in the text, without a NUL */
    };
};

/* Parses `text`, whose bytes are changed. Returns 0, or -1 when it is no such JSON text or takes
 * more than `max` values. */
int json_value_parse(char *text, size_t length, struct json_value *values, size_t max);

/* No text of these bytes takes more values than this. */
size_t json_value_most(const char *text, size_t length);

/* The first of an array's elements or an object's members, and the one behind another. The
 * container's `count` says how many there are. */
const struct json_value *json_value_first(const struct json_value *container);
const struct json_value *json_value_next(const struct json_value *value);

/* The member of that name; NULL where there is none, or where `object` is none or NULL. */
const struct json_value *json_value_member(const struct json_value *object, const char *name);

/* The member's string; NULL where there is none. */
const char *json_value_string(const struct json_value *object, const char *name);

/* Writes the value and all that it contains, without blanks. */
void json_value_write(const struct json_value *value, struct text *out);

#endif
