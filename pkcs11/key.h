/* The keys that a configuration names, and where each of them lives.
 *
 * A key is named by a PKCS#11 URI (RFC 7512) and used with one algorithm. It may live on several
 * tokens: its homes. A keyring holds the keys of one configuration; the prober of each module
 * resolves them against its tokens, and signers read them without a lock. */
#ifndef HINTSIGN_PKCS11_KEY_H
#define HINTSIGN_PKCS11_KEY_H

#include "pkcs11/crypto.h"
#include "pkcs11/token.h"

#include <time.h>

#define KEY_CHECK_MS     60000 /* from one known answer to the next ... */
#define KEY_RETRY_MS     1000  /* ... after a wrong one */
#define KEY_REASON_MAX   200
#define KEY_IDENTITY_MAX 64
#define KEY_DIGEST_HEX   32 /* hex digits: the first 16 bytes of the identity */

struct key_home {
    struct token *token; /* borrowed */
    /* Of `handle`; 0 while the key cannot be used here. Written last, when all homes of the key
     * have been judged: signers may use the others meanwhile. */
    _Atomic uint64_t generation;
    CK_OBJECT_HANDLE handle;
    atomic_bool prehashed; /* the token signs hashes, not data */
    /* An error came up while it signed: its known answer is wanted at once. */
    atomic_bool doubted;
    /* watch_now of its next known answer, INT64_MAX: none; of the prober's thread. */
    int64_t check_at;
    /* Under the keyring's lock: */
    uint64_t found_in; /* what `generation` becomes when the key is ready; 0: unfit here */
    bool identified;   /* what was here first stays the measure after a recovery */
    /* Tells the key from all others: the MAC of a known text, or the SHA-256 of the public half
     * (SubjectPublicKeyInfo); zeros behind it. */
    unsigned char identity[KEY_IDENTITY_MAX];
    char reason[KEY_REASON_MAX]; /* why the key cannot be used here */
    time_t good_at;              /* its last good known answer; 0: none since a wrong one */
    time_t doubtful;             /* since then it may have signed wrongly: to be told; 0: no */
};

struct key {
    const struct mech *mech;
    const struct crypto *crypto; /* borrowed */
    P11KitUri *uri;
    atomic_bool ready; /* at least one home can sign and none contradicts */
    bool verify;       /* every signature before it is given out; RSA always is */
    /* Set before the keyring is given to a prober: */
    bool hashes;        /* signs hashes alone, so that is what it is tried with; never MECH_EDDSA */
    const void *owner;  /* who alone may use the key, with any algorithms; NULL: whoever uses it
                         * uses one algorithm */
    bool yields;        /* where it goes ill with another use, it alone is not ready */
    struct key *beside; /* where this key is only published: the one that signs; or NULL */
    struct key_home *homes; /* one a token of the keyring, in its order */
    size_t home_count;
    /* Written once, when a usable home is first found; read after key_is_named. */
    char label[OBJECT_LABEL_MAX + 1];
    char digest[KEY_DIGEST_HEX + 1]; /* of its identity */
    EVP_PKEY *public_key;            /* of a private key; not to be freed */
    atomic_bool named;
    /* Under the keyring's lock: */
    bool contradicted;                     /* two tokens hold different keys of the name */
    _Atomic(const struct key *) other_use; /* the same key, used in a way that goes ill with this
                                            * one, or NULL */
};

struct keyring {
    uint64_t serial;             /* no other keyring of the process has it */
    const struct crypto *crypto; /* borrowed */
    _Atomic unsigned references;
    struct token **tokens; /* borrowed */
    size_t token_count;
    struct key **keys;
    size_t count;
    size_t size;
    pthread_mutex_t lock;
};

/* An empty keyring over these tokens, with one reference. Errors: P11_MEMORY. */
int keyring_new(const struct crypto *crypto, struct token **tokens, size_t token_count,
                struct keyring **ret_keyring, struct p11_error *error);

struct keyring *keyring_ref(struct keyring *keyring);

/* Drops a reference; the last one frees the keyring. Accepts NULL. */
void keyring_unref(struct keyring *keyring);

/* Whether `uri` can name a key: object= or id=, perhaps its token, nothing else. Returns 0 or
 * P11_INVALID, P11_MEMORY. */
int key_check_uri(const char *uri, struct p11_error *error);

/* Adds the key that `uri` names by object= or id=, to be used with `mech`. The key lives as long
 * as the keyring. Only before the keyring is given to a prober.
 * Errors: P11_INVALID, P11_MEMORY. */
int keyring_add(struct keyring *keyring, const char *uri, const struct mech *mech,
                struct key **ret_key, struct p11_error *error);

/* Where in `homes` of each key the home on this token is, which is one of the keyring's. */
size_t keyring_home(const struct keyring *keyring, const struct token *token);

/* Finds every key on one token by its index, checks its protection, lets it answer, and
 * stamps what may be used with `generation`. The token is open and indexed. An unfit key is no
 * error: its home says why. Errors: P11_UNAVAILABLE (the token failed meanwhile). */
int keyring_resolve(struct keyring *keyring, struct token *token, uint64_t generation,
                    struct p11_error *error);

/* Has the key of a home answer once more, beside running signers. *ret_changed: it can be used
 * there now and could not before, or the other way round. `generation` is the module's. Errors:
 * P11_UNAVAILABLE (the token failed). An error that may be the key's own is the token's where no
 * other key signs there. */
int keyring_check(struct keyring *keyring, struct key *key, struct key_home *home,
                  uint64_t generation, bool *ret_changed, struct p11_error *error);

/* Withdraws every key from a token that is down, with the reason. */
void keyring_withdraw(struct keyring *keyring, struct token *token, const char *reason);

/* Says why a key is not ready, token by token, in one line. Returns `buffer`. */
const char *key_reason(struct keyring *keyring, const struct key *key, char *buffer, size_t size);

/* Whether somebody owns the key and somebody else uses it, too. Takes no lock. */
bool key_is_shared(const struct key *key);

/* Whether the key was ever usable, so that its label and digest are known. Takes no lock. */
bool key_is_named(const struct key *key);

#endif
