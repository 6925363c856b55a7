/* A JSON object with a member a line, of which a test makes one wrong. */
#ifndef HINTSIGN_TESTS_MEMBERS_H
#define HINTSIGN_TESTS_MEMBERS_H

#include <stddef.h>

#define MEMBERS_TEXT_MAX 8192

struct member {
    const char *name;
    const char *value; /* JSON in which ' stands for "; NULL: left out */
};

/* Writes the object of the rows (the last has no name) with one member's value replaced, or added
 * behind the others. Returns the line that the member has now; 1, the object's, where it is left
 * out. */
size_t members_write(const struct member *rows, const char *name, const char *value,
                     char text[static MEMBERS_TEXT_MAX]);

#endif
