/* The compact serialization that JWS and JWE share (RFC 7515 section 7.1, RFC 7516 section 7.1). */
#ifndef HINTSIGN_JOSE_COMPACT_H
#define HINTSIGN_JOSE_COMPACT_H

#include <jansson.h>
#include <stddef.h>

#define COMPACT_LENGTH_MAX ((size_t)1024 * 1024) /* characters of a token */

/* The characters between two dots, borrowed from the token. */
struct compact_part {
    const char *text;
    size_t length;
};

/* Cuts a token into exactly `count` parts, some of which may be empty.
 * Errors: JOSE_INVALID. */
int compact_split(const char *token, size_t length, size_t count, struct compact_part *ret_parts);

/* *ret_data is malloc'ed and followed by a NUL that is not counted; wipe it where it is secret.
 * Errors: JOSE_INVALID, JOSE_MEMORY. */
int compact_decode(const struct compact_part *part, unsigned char **ret_data, size_t *ret_length);

/* A protected header: a JSON object without duplicate names and with members named in `known`
 * (ended by NULL) alone, so that nothing that would change the meaning goes unnoticed: "crit",
 * "zip", "b64". Free with json_decref. Errors: JOSE_INVALID, JOSE_UNSUPPORTED, JOSE_MEMORY. */
int compact_header(const struct compact_part *part, const char *const *known, json_t **ret_header);

/* A header's string. Errors: JOSE_INVALID (missing, or not a string). */
int compact_text(const json_t *header, const char *name, const char **ret_text);

#endif
