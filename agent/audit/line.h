/* One line of an audit log, read strictly. */
#ifndef HINTSIGN_AUDIT_LINE_H
#define HINTSIGN_AUDIT_LINE_H

#include "agent/audit_record.h"
#include "agent/jose/jose.h"
#include "client/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LINE_DEPTH_MAX    16                 /* of objects and arrays */
#define LINE_SEQUENCE_MAX ((int64_t)1 << 53) /* beyond, not every program reads an exact number */
#define LINE_TIME_LENGTH  27                 /* bytes of "2026-01-31T23:59:59.123456Z" */

/* Returned, negative, by the functions of this folder; 0 is success. */
enum line_code {
    LINE_FAILED = -1, /* memory or OpenSSL: says nothing about the log */
    LINE_BROKEN = -2, /* the log is not as it was written */
};

/* Free with line_clear. */
struct line {
    json_t *record;
    int64_t sequence;
    const char *time; /* borrowed from the record, as is `type` */
    const char *type;
    unsigned char prev[AUDIT_HASH_BYTES];
    unsigned char hash[AUDIT_HASH_BYTES]; /* of this line */
};

/* Reads a line, without its newline. It must be what writing its record again gives, byte for byte:
 * no blanks, one way to write each string and number, no member twice. It begins with seq, time and
 * type and ends with prev. `room` is reused from call to call.
 * Errors: LINE_BROKEN, LINE_FAILED; *error is a fixed phrase then, to follow "the line ". */
int line_parse(const struct jose *jose, const char *text, size_t length, struct text *room,
               struct line *ret_line, const char **error);

void line_clear(struct line *line);

/* Reads a hash from exactly 2 * AUDIT_HASH_BYTES lower-case hexadecimal digits. NULL is none.
 * Returns whether it is one. */
bool line_hash(const char *text, unsigned char ret_hash[static AUDIT_HASH_BYTES]);

/* Whether `text` is the beginning of a time as the log writes it, or a whole one. */
bool line_begins_time(const char *text);

#endif
