/* What a token can do, found out by hintsign-key probe. */
#ifndef HINTSIGN_KEY_REPORT_H
#define HINTSIGN_KEY_REPORT_H

#include "pkcs11/token.h"

#define REPORT_MAX      64
#define REPORT_NAME_MAX 40 /* bytes, with the NUL */

struct result {
    char name[REPORT_NAME_MAX]; /* "sign HS256" */
    bool works;
    double us;                       /* microseconds that it takes once; 0: not measured */
    char detail[P11_ERROR_TEXT_MAX]; /* how it works, or why it does not; the same every time */
};

struct report {
    struct result results[REPORT_MAX];
    size_t count;
};

/* Adds a result. */
void report_add(struct report *report, const char *name, bool works, double us, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

/* Adds one that does not work, with the error but for the name of the token: there is one only. */
void report_add_failure(struct report *report, const struct token *token, const char *name,
                        const struct p11_error *error);

/* The result of that name, or NULL. */
const struct result *report_find(const struct report *report, const char *name);

/* Whether a result whose name begins so works. */
bool report_any_works(const struct report *report, const char *prefix);

/* Prints a table, or JSON. With the path of such JSON in `compare` (or NULL) it also prints what is
 * another result now; times are not compared. `*ret_lost` is how many results do not work that
 * did. Errors: P11_INVALID (that file), P11_MEMORY. */
int report_print(const struct report *report, const struct token *token, bool works, bool json,
                 const char *compare, size_t *ret_lost, struct p11_error *error);

#endif
