/* Keys as people and machines see them. */
#ifndef HINTSIGN_KEY_SHOW_H
#define HINTSIGN_KEY_SHOW_H

#include "pkcs11/key/options.h"
#include "pkcs11/mech.h"
#include "pkcs11/token.h"

#include <jansson.h>
#include <stdio.h>

#define SHOW_NAME_MAX (4 * OBJECT_LABEL_MAX + 1) /* bytes, with the NUL */

/* A list of keys on its way to standard output. */
struct show {
    const struct mech *mech; /* that check values are for */
    bool tokens;             /* say which token each key is on */
    json_t *array;           /* NULL: lines for people */
};

/* Writes one line, without a newline: label, id, type, then "kcv=HS256:4bf512 sensitive=yes
 * extractable=no origin=imported usable=yes", or "usable=no: REASON". Only secret keys have a
 * check value (kcv.h), with `mech` if they serve it; "-" where the token does not sign. */
void show_line(const struct token *token, const struct object *object, const struct mech *mech,
               FILE *file);

/* Begins a list of keys as the options say. Errors: P11_MEMORY. */
int show_begin(const struct options *options, struct show *ret_show, struct p11_error *error);

/* Adds a key: a line, or an object with the same members and the token's label and the class of
 * the key; what the token does not tell is "unknown" or null. Errors: P11_MEMORY. */
int show_key(const struct show *show, const struct token *token, const struct object *object,
             struct p11_error *error);

/* Prints what is not printed yet where `result` is 0, and frees. Returns `result`, or else
 * P11_MEMORY. */
int show_end(struct show *show, int result, struct p11_error *error);

/* A name as a JSON string. Names on tokens are UTF-8 by rule only: of one that is not, every byte
 * above ASCII becomes a question mark. NULL when memory runs out. `length` is at most
 * OBJECT_LABEL_MAX where the name may not be UTF-8. */
json_t *show_name(const char *name, size_t length);

/* The same for a name in CK_TOKEN_INFO, without the blanks, or with some tokens the NULs,
 * that fill it up. */
json_t *show_padded(const CK_UTF8CHAR *name, size_t size);

/* Copies a name (at most OBJECT_LABEL_MAX bytes) with control characters as \xNN: a name on a
 * token must not play with the terminal. */
void show_printable(const char *name, size_t length, char ret_text[static SHOW_NAME_MAX]);

/* Whether a text has no control character: none below U+0020, and none of U+007F to U+009F. */
bool show_is_printable(const char *text);

/* Prints JSON and a newline. Control characters are escaped that JSON lets pass and a terminal
 * does not: U+007F to U+009F. Errors: P11_MEMORY. */
int show_json(const json_t *value, size_t flags, struct p11_error *error);

#endif
