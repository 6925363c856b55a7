/* A token inside the test: as many functions of PKCS#11 as pkcs11/ calls, and faults on demand. */
#ifndef HINTSIGN_TESTS_FAKE_TOKEN_H
#define HINTSIGN_TESTS_FAKE_TOKEN_H

#include "pkcs11/module.h"
#include "pkcs11/token.h"

#define FAKE_ATTRIBUTES_MAX 24
#define FAKE_BYTES_MAX      300
#define FAKE_SESSION_FIRST  100 /* the first session's handle; the others follow */
#define FAKE_MODULE_PATH    "/nowhere/module.so"

struct fake_attribute {
    CK_ATTRIBUTE_TYPE type;
    unsigned char value[FAKE_BYTES_MAX];
    CK_ULONG length;
    bool sensitive; /* asked for, it is refused */
};

/* An object's handle is its place in the array, from 1. */
struct fake_object {
    struct fake_attribute attributes[FAKE_ATTRIBUTES_MAX];
    unsigned count;
};

/* Set and read by the test; fake_reset brings back a token without objects and faults. */
struct fake_token {
    struct fake_object *objects; /* the test's own */
    CK_ULONG object_count;
    CK_FLAGS flags; /* of C_GetTokenInfo */

    unsigned initialized, finalized; /* calls */
    unsigned open_sessions, opened_sessions;
    bool read_write_only;   /* sessions for reading alone are CKR_FUNCTION_FAILED */
    CK_FLAGS session_flags; /* of the session opened last */
    unsigned searches;      /* begun and not ended */
    unsigned logins, logouts;
    CK_STATE session_state; /* of C_GetSessionInfo */
    CK_ULONG pin_length;    /* of the last login; 0: at the device */

    CK_OBJECT_HANDLE signing; /* the key of the last C_SignInit */
    unsigned char mac;        /* all 32 bytes of every MAC */
    CK_RV (*answer)(void);    /* what C_Sign calls first and returns; NULL: CKR_OK */
    CK_ULONG longest;         /* data that it signs; of longer ones it returns too_long; 0: any */
    CK_RV too_long;

    /* What the next calls return; CKR_OK: what is right. */
    CK_RV initialize, initialize_with_locking, open_session, find, get_attributes, login;
    CK_OBJECT_HANDLE vanished; /* this object gives CKR_OBJECT_HANDLE_INVALID */
};

extern struct fake_token fake;
extern CK_FUNCTION_LIST fake_functions;

void fake_reset(void);

/* A module that was loaded and has this token. Free with fake_module_free. */
struct module *fake_module(void);
void fake_module_free(struct module *module);

/* Of struct ladder_events, for a test that does not care. */
void fake_token_changed(void *context, struct token *token, enum token_state state,
                        const char *detail);

/* Give an object an attribute. */
void fake_set(struct fake_object *object, CK_ATTRIBUTE_TYPE type, const void *value,
              CK_ULONG length);
void fake_set_ulong(struct fake_object *object, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void fake_set_flag(struct fake_object *object, CK_ATTRIBUTE_TYPE type, CK_BBOOL value);

/* Takes it away: the token then says CKR_ATTRIBUTE_TYPE_INVALID. */
void fake_unset(struct fake_object *object, CK_ATTRIBUTE_TYPE type);

/* A secret key that is fit for use, with these names (ASCII, NUL-terminated). */
void fake_hmac_key(struct fake_object *object, const char *label, const char *id);

#endif
