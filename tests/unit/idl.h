/* A Varlink interface taken apart, so that tests can hold requests and replies against it. */
#ifndef HINTSIGN_TESTS_IDL_H
#define HINTSIGN_TESTS_IDL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define IDL_MEMBERS_MAX      16
#define IDL_DECLARATIONS_MAX 64

struct idl_member {
    char name[64];
    char type[64]; /* as it is written, "?[]string" */
};

/* (name: type, ...), ending with a member without a name. */
struct idl_struct {
    struct idl_member members[IDL_MEMBERS_MAX];
};

/* "method", "error" or "type"; a method's reply is `out`. */
struct idl_declaration {
    char keyword[8];
    char name[64];
    struct idl_struct in, out;
};

struct idl {
    struct idl_declaration list[IDL_DECLARATIONS_MAX];
    size_t count;
};

/* Takes apart the text of an interface; aborts where it does not understand it. */
void idl_read(const char *text, struct idl *ret_idl);

/* The declaration, or NULL. */
const struct idl_declaration *idl_find(const struct idl *idl, const char *keyword,
                                       const char *name);

/* Whether the object has every member that the struct asks for, each of its type, and no others. */
bool idl_fits(const struct idl *idl, const struct idl_struct *members, const json_t *object);

/* Asserts that a table has the methods that the interface of that text declares, with their
 * parameters: `method_at` is like request_method_at. */
void idl_expect_methods(const char *interface,
                        const char *method_at(size_t index, const char **parameters));

#endif
