/* One configured token: its slot, its login, its sessions and the index of its keys. */
#ifndef HINTSIGN_PKCS11_TOKEN_H
#define HINTSIGN_PKCS11_TOKEN_H

#include "pkcs11/crypto.h"
#include "pkcs11/index.h"
#include "pkcs11/module.h"
#include "pkcs11/secret.h"
#include "pkcs11/session.h"

#include <p11-kit/uri.h>

enum token_login {
    TOKEN_LOGIN_PIN,       /* with a PIN, from the URI's pin-source */
    TOKEN_LOGIN_PROTECTED, /* at the device (CKF_PROTECTED_AUTHENTICATION_PATH) */
    TOKEN_LOGIN_NONE,
};

enum token_state {
    TOKEN_DOWN,   /* not reachable: probed until it comes back */
    TOKEN_LOCKED, /* wants a PIN that we do not have or must not try again */
    TOKEN_UP,
};

struct prober;

/* Asks a person for the PIN of `token_label`. Returns 0 or -1 when there is nobody to ask. */
typedef int token_ask_pin(const char *token_label, struct secret *ret_pin);

struct token {
    char *name;
    P11KitUri *uri;
    struct module *module; /* borrowed */
    struct prober *prober; /* borrowed; brings the token back, NULL where nobody does */
    enum token_login login;
    bool read_write;             /* sessions may change the token (hintsign-key alone) */
    token_ask_pin *ask_pin;      /* where the URI has no pin-source; may be NULL */
    const struct crypto *crypto; /* borrowed; what refused PINs are hashed with, or NULL */
    bool pin_refused;            /* by the token: that PIN is never tried again by itself ... */
    unsigned char refused[CRYPTO_SHA256]; /* ... whose hash this is */

    /* What an administrator wants. */
    bool held;               /* locked: nobody logs in until he has unlocked it */
    bool unlocking;          /* the next login is his: tried once, whatever the token counts */
    struct secret given_pin; /* with this PIN; empty: the one of pin-source */
    bool asked_for;          /* the last login was his wish */
    bool by_hand;            /* such a PIN is what the last login took: it cannot be repeated */

    /* Valid while the token is up; changed only while its module is shut. */
    bool found; /* slot and info are of the last look */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE anchor; /* stays open, so that the login lasts */
    bool open;                /* it is */
    struct session_pool sessions;
    struct index index;
    size_t told_unread; /* how many of its objects could not be read when that was told last */

    pthread_mutex_t lock; /* of state and detail */
    enum token_state state;
    char detail[P11_ERROR_TEXT_MAX]; /* why it is not up */
    _Atomic int64_t told_at;         /* when a change was told last (watch_now); 0: never */
};

/* Whether `uri` can name a token and its module: token attributes, exactly one of module-path and
 * module-name, perhaps pin-source; never pin-value, because whatever holds the URI would hold the
 * PIN. Returns 0 or P11_INVALID, P11_MEMORY. */
int token_check_uri(const char *uri, struct p11_error *error);

/* A token from its configuration; `uri` is as for token_check_uri. Nothing is called yet.
 * Errors: P11_INVALID, P11_MEMORY. Free with token_free. */
int token_new(const char *name, const char *uri, unsigned max_sessions, enum token_login login,
              struct token **ret_token, struct p11_error *error);

/* Accepts NULL. The module must be finalised or shut. */
void token_free(struct token *token);

/* Finds the slot. The module is started and shut (or nobody else uses it).
 * Errors: P11_UNAVAILABLE, P11_INVALID (the URI matches several tokens). */
int token_find(struct token *token, struct p11_error *error);

/* Opens the anchor session and logs in. The token was just found, and has no session open.
 * Errors: P11_UNAVAILABLE, P11_LOCKED, P11_INVALID (the PIN file). */
int token_open(struct token *token, struct p11_error *error);

/* Whether the token allows no session beside the anchor. It is open. */
bool token_has_one_session(const struct token *token);

/* Closes all sessions, which ends the login as well. The module is shut. */
void token_close(struct token *token);

/* Closes the pool's sessions and keeps the anchor with its login. Returns false where the login has
 * ended: then the token is to be closed. The module is shut. */
bool token_renew(struct token *token);

/* Forgets all sessions: the module was finalised. */
void token_forget(struct token *token);

/* Indexes the token's keys anew; on an error the old index stays.
 * Errors: P11_MEMORY, P11_UNAVAILABLE. */
int token_index(struct token *token, struct p11_error *error);

void token_set_state(struct token *token, enum token_state state, const char *detail);

/* Copies the state and, where `detail` is not NULL, the reason. */
enum token_state token_get_state(struct token *token, char *detail, size_t detail_size);

/* "down", "locked", "up". */
const char *token_state_name(enum token_state state);

#endif
