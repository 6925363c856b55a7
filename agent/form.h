/* The forms that a claim's value may be asked to have. */
#ifndef HINTSIGN_AGENT_FORM_H
#define HINTSIGN_AGENT_FORM_H

#include <stdbool.h>
#include <stddef.h>

#define FORM_VALUE_MAX 1024 /* bytes; a profile may ask for less */

enum form_type { FORM_TEXT, FORM_INTEGER, FORM_BOOLEAN, FORM_SUB_ID, FORM_OBJECT };

struct form {
    const char *name; /* as profiles spell it: "string", "email", ... */
    bool (*matches)(const char *value, size_t length); /* of FORM_TEXT */
    enum form_type type;
};

/* The form of that name, or NULL. */
const struct form *form_find(const char *name);

/* The forms one by one, from index 0; NULL behind the last. */
const struct form *form_at(size_t index);

/* Whether a value may stand in a token at all: 1 to FORM_VALUE_MAX bytes, no characters below
 * U+0020. */
bool form_is_text(const char *value, size_t length);

#endif
