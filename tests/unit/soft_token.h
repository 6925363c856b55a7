/* A fake token that makes keys and signs with OpenSSL, and lies on demand. It knows HMAC, RSA with
 * one pair for all keys, RSA-OAEP and AES key wrap with padding. */
#ifndef HINTSIGN_TESTS_SOFT_TOKEN_H
#define HINTSIGN_TESTS_SOFT_TOKEN_H

#include "tests/unit/fake_token.h"

#include <stddef.h>

#define SOFT_NONE CK_UNAVAILABLE_INFORMATION /* no mechanism, no attribute */

/* Set by the test; soft_reset brings back a token that is sound. */
struct soft_token {
    unsigned wrong_at;         /* the signature of this number, from 1, is wrong */
    CK_ULONG too_short;        /* signatures lack so many bytes */
    CK_MECHANISM_TYPE refuses; /* neither signs nor unwraps with it */
    CK_MECHANISM_TYPE hash;    /* RSA-OAEP with this hash is CKR_ARGUMENTS_BAD */
    CK_ATTRIBUTE_TYPE weakens; /* this attribute of new private and secret keys is true */
    CK_KEY_TYPE does_not_know; /* keys of this type are CKR_ATTRIBUTE_VALUE_INVALID */
    bool renamed;              /* it has AES key wrap with padding under its last name alone */
    bool readable;             /* it gives the value of secret keys away */
    bool mixes_up;             /* it unwraps another key than was wrapped */
    CK_RV destroy;             /* what C_DestroyObject returns instead of destroying */
    CK_RV close;               /* what C_CloseSession returns instead of closing */
    unsigned sessions_max;     /* 0: any number */

    bool stays;       /* an object was to outlive its session */
    unsigned objects; /* that there are: neither destroyed nor gone with their session */
};

extern struct soft_token soft;
extern CK_FUNCTION_LIST soft_functions;

/* The pair is made once and lasts until soft_end. */
void soft_reset(void);
void soft_end(void);

#endif
