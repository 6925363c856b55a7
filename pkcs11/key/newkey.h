/* A key that has just been made on a token, and how it is undone. */
#ifndef HINTSIGN_KEY_NEWKEY_H
#define HINTSIGN_KEY_NEWKEY_H

#include "pkcs11/key/keyspec.h"
#include "pkcs11/mech.h"
#include "pkcs11/secret.h"
#include "pkcs11/token.h"

#define NEWKEY_ID_LEN 16 /* bytes of an id that we choose */

struct newkey_name {
    const char *label;
    unsigned char id[OBJECT_ID_MAX];
    size_t id_len;
    bool session; /* the key vanishes with the session (hintsign-key probe) */
};

/* A key as C_UnwrapKey takes it. All borrowed. */
struct newkey_wrapping {
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE unwrap_with;
    const unsigned char *data;
    size_t length;
};

struct newkey {
    struct token *token; /* borrowed */
    enum template_use use;
    struct object object;         /* the secret or private key, as the token tells it */
    CK_OBJECT_HANDLE public_half; /* CK_INVALID_HANDLE where there is none */
};

/* All but newkey_destroy return errors that name the token (tokens_explain). */

/* Takes the name from the command line; an id that is not given is chosen at random.
 * Errors: P11_FAILED. */
int newkey_name(const char *label, const unsigned char *id, size_t id_len,
                struct newkey_name *ret_name, struct p11_error *error);

/* Refuses a label or an id that a key of any class has. Errors: P11_KEY. */
int newkey_name_is_free(const struct token *token, const struct newkey_name *name,
                        struct p11_error *error);

/* Make a key, read it back, and destroy it again if the token made it readable or able to do
 * more than was asked for. Errors: P11_KEY (such a key), P11_FAILED, P11_UNAVAILABLE. */
int newkey_import(struct token *token, const struct newkey_name *name, const struct mech *mech,
                  const struct secret *key, struct newkey *ret_newkey, struct p11_error *error);
int newkey_unwrap(struct token *token, const struct newkey_name *name, const struct mech *mech,
                  const struct newkey_wrapping *wrapping, size_t key_len, struct newkey *ret_newkey,
                  struct p11_error *error);
int newkey_generate(struct token *token, const struct newkey_name *name,
                    const struct keyspec *keyspec, struct newkey *ret_newkey,
                    struct p11_error *error);

/* Unwraps an AES key that unwraps others, for this session alone. The caller destroys it.
 * Errors: P11_FAILED, P11_UNAVAILABLE. */
int newkey_transport(const struct token *token, const struct newkey_wrapping *wrapping,
                     CK_OBJECT_HANDLE *ret_handle, struct p11_error *error);

/* Destroys both halves. Errors: P11_FAILED. */
int newkey_destroy(const struct newkey *newkey, struct p11_error *error);

#endif
