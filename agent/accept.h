/* A claim that a profile accepts from callers: its form, read, checked and written. */
#ifndef HINTSIGN_AGENT_ACCEPT_H
#define HINTSIGN_AGENT_ACCEPT_H

#include "agent/form.h"
#include "agent/json_file.h"
#include "agent/request.h"
#include "client/text.h"

#define ACCEPT_MEMBERS_MAX 16                       /* of an object */
#define ACCEPT_INTEGER_MAX (((int64_t)1 << 53) - 1) /* what every JSON reader keeps exactly */

/* Bit i stands for entry i of a list of accepts. */
typedef uint64_t claim_set;

struct accept {
    char *name;
    const struct form *form;
    size_t max;       /* FORM_TEXT: bytes; FORM_SUB_ID: bytes of each member */
    unsigned formats; /* FORM_SUB_ID: those allowed, as bits of the table in accept.c */
    /* FORM_OBJECT: */
    struct accept *members;
    size_t member_count;
    claim_set required;
};

/* A claim of that name with the form "string". Returns 0, or -1 without memory. */
int accept_init(struct accept *accept, const char *name);

/* The formats of a subject identifier one by one, from index 0; NULL behind the last. */
const char *accept_format_name(size_t index);

void accept_clear(struct accept *accept);

/* Takes a form: its name, or an object with "form" and "max", "formats" or "members" and
 * "required". Returns 0 or json_file_error(). */
int accept_take_form(struct json_file *file, const struct json_at *at, struct accept *accept);

/* Why a value is not acceptable, in a sentence that is safe to show, or NULL. Pure. */
const char *accept_check(const struct accept *accept, const struct claim *claim);

/* Writes a value that accept_check has passed; an object's members come in the profile's order. */
void accept_write(const struct accept *accept, const struct claim *claim, struct text *text);

#endif
