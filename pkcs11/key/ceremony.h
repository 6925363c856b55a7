/* A ceremony: work on tokens that is recorded before and after, and not stopped half-way. */
#ifndef HINTSIGN_KEY_CEREMONY_H
#define HINTSIGN_KEY_CEREMONY_H

#include "pkcs11/key/tokens.h"
#include "pkcs11/key/transcript.h"

#include <signal.h>

/* What is recorded. All borrowed; NULL and 0 where there is no such thing. */
struct ceremony {
    struct transcript *transcript;
    const char *command;
    const struct tokens *tokens; /* NULL: none has a part in it */
    const char *label;
    const unsigned char *id;
    size_t id_len;
    const char *key_type;
    const char *derivation;
    const char *kek;         /* fingerprint of the key that wraps the secret */
    const struct mech *mech; /* what the key is for; NULL: the first that it serves */
    bool deletes;            /* the key is there before, not after */
    /* The tokens that still have the key after a failure: set before ceremony_end. */
    bool left_on[OPTIONS_TOKENS_MAX];
    sigset_t signals; /* ceremony_begin's own */
};

/* Records that the ceremony begins. Where tokens have a part in it, signals are held back until its
 * end.
 * Errors: those of transcript_append; then nothing may be done. */
int ceremony_begin(struct ceremony *ceremony, struct p11_error *error);

/* Records how it ended: `result` is 0, or the negative code of *error. Returns it, or the error of
 * the transcript where all else went well. */
int ceremony_end(struct ceremony *ceremony, int result, struct p11_error *error);

#endif
