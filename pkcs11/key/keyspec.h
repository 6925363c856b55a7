/* The types of keys: how a token generates them, and how a key on a token is told by. */
#ifndef HINTSIGN_KEY_KEYSPEC_H
#define HINTSIGN_KEY_KEYSPEC_H

#include "pkcs11/key/template.h"
#include "pkcs11/object.h"

#define KEYSPEC_NAME_MAX 32 /* bytes, with the NUL */
#define KEYSPEC_PARAMS   2

/* DER of CKA_EC_PARAMS. */
struct keyspec_params {
    const unsigned char *data;
    size_t length;
};

/* One row: a type that can be generated. */
struct keyspec {
    const char *name;             /* "rsa:2048" */
    CK_OBJECT_CLASS object_class; /* CKO_SECRET_KEY, or CKO_PRIVATE_KEY: a pair */
    CK_KEY_TYPE key_type;
    CK_MECHANISM_TYPE mechanism; /* that generates it */
    CK_ULONG size;               /* bits of an RSA modulus, bytes of a secret; 0 for curves */
    struct keyspec_params params[KEYSPEC_PARAMS]; /* a curve's; the second where the first is
                                                     not understood */
    enum template_use use;
};

/* The row of a name, or NULL. */
const struct keyspec *keyspec_find(const char *name);

/* Writes the type of a key on a token, in the words of the table ("hmac:256", "ec:P-256") or
 * close to them ("rsa:1024", "aes:256"). Asks the token for public attributes at most.
 * Returns NULL, or why hintsign does not sign with keys of that type. */
const char *keyspec_describe(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                             const struct object *object, char name[static KEYSPEC_NAME_MAX]);

#endif
