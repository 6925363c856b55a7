/* What a token says of one object: its name, its type and what it may do. */
#ifndef HINTSIGN_PKCS11_OBJECT_H
#define HINTSIGN_PKCS11_OBJECT_H

#include "pkcs11/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer names are not ours: such an object is read as one without that name. */
#define OBJECT_LABEL_MAX 255 /* bytes */
#define OBJECT_ID_MAX    64  /* bytes */

/* The boolean attributes that are asked for, as bits. */
enum object_flag {
    OBJECT_PRIVATE = 1 << 0,
    OBJECT_SENSITIVE = 1 << 1,
    OBJECT_EXTRACTABLE = 1 << 2,
    OBJECT_ALWAYS_SENSITIVE = 1 << 3,
    OBJECT_NEVER_EXTRACTABLE = 1 << 4,
    OBJECT_LOCAL = 1 << 5,
    OBJECT_SIGN = 1 << 6,
    OBJECT_VERIFY = 1 << 7,
    OBJECT_ENCRYPT = 1 << 8,
    OBJECT_DECRYPT = 1 << 9,
    OBJECT_WRAP = 1 << 10,
    OBJECT_UNWRAP = 1 << 11,
    OBJECT_DERIVE = 1 << 12,
    OBJECT_SIGN_RECOVER = 1 << 13,
    OBJECT_ALWAYS_AUTHENTICATE = 1 << 14,
};

struct object {
    CK_OBJECT_HANDLE handle;
    CK_OBJECT_CLASS object_class;
    CK_KEY_TYPE key_type;
    CK_ULONG value_len; /* bytes of a secret key; 0 where not told */
    uint32_t told;      /* the flags that the token told ... */
    uint32_t set;       /* ... and those that are true */
    size_t label_len;
    size_t id_len;
    char label[OBJECT_LABEL_MAX + 1]; /* NUL-terminated */
    unsigned char id[OBJECT_ID_MAX];
};

/* Reads an object's attributes. An attribute that the token will not tell is left out of `told`
 * (or empty): that alone is no error. Errors: P11_UNAVAILABLE, P11_FAILED. */
int object_read(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                struct object *ret_object, struct p11_error *error);

/* Whether a key is unfit for signing: not private, not sensitive, extractable, unable to sign,
 * or able to do more than sign and verify. Then `reason` says which, to follow the key's name:
 * "is CKA_EXTRACTABLE". */
bool object_unfit(const struct object *object, char *reason, size_t reason_size);

/* The same for a key that client secrets are unwrapped with: able to unwrap, and to do nothing that
 * would bring a secret out again. */
bool object_unfit_to_unwrap(const struct object *object, char *reason, size_t reason_size);

/* "sensitive", "extractable", ...: the flag's name for people. */
const char *object_flag_name(enum object_flag flag);

/* The names of the flags, and "length" for that of a secret key, that the token does not tell of
 * such a key; ", " stands between them. As many as there is room for, "" where it tells all. */
void object_untold(const struct object *object, char *names, size_t size);

#endif
