/* Errors of this folder: what a caller can act on, and the CK_RV and call behind it. */
#ifndef HINTSIGN_PKCS11_ERROR_H
#define HINTSIGN_PKCS11_ERROR_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

/* Returned, negative, by the functions of this folder; 0 is success. */
enum p11_code {
    P11_INVALID = -1,     /* a URI or an argument is wrong */
    P11_MEMORY = -2,      /* out of memory */
    P11_UNAVAILABLE = -3, /* the module or the token does not answer; it may come back */
    P11_LOCKED = -4,      /* the token wants a PIN that we do not have or must not try */
    P11_KEY = -5,         /* the key is missing or unfit */
    P11_BUSY = -6,        /* no session became free in time */
    P11_FAILED = -7,      /* the token refused the call */
    P11_DATA = -8,        /* the token does not sign these data, which may be too long for it */
};

#define P11_ERROR_TEXT_MAX 240

/* What happened, in full. `call` and `text` may be empty; `rv` is CKR_OK where no call failed. */
struct p11_error {
    int code;
    CK_RV rv;
    const char *call;
    char text[P11_ERROR_TEXT_MAX];
};

/* How far recovery must go after a failed call (doc/architecture.md, "The ladder"). */
enum p11_rung {
    P11_RUNG_NONE,    /* the request itself was refused: nothing to recover */
    P11_RUNG_SESSION, /* 1: another session */
    P11_RUNG_LOGIN,   /* 2: log in and index again */
    P11_RUNG_MODULE,  /* 3: finalise and initialise the module */
    P11_RUNG_PROCESS, /* 4: a call hangs: leave the module alone, in the end leave the process */
    P11_RUNGS,
};

/* Both fill *error and give `code`, in sight of the compiler: as it looks at one file at a time, it
 * could not know else that an error is never 0, and that outputs are set after each 0. */
#define p11_error_call(error, code, call, rv)                                                      \
    p11_error_code(p11_error_set_call(error, code, call, rv), code)
#define p11_error_text(error, code, ...)                                                           \
    p11_error_code(p11_error_set_text(error, code, __VA_ARGS__), code)

/* What the two are made of. The first two return `error`. */
struct p11_error *p11_error_set_call(struct p11_error *error, int code, const char *call, CK_RV rv);
struct p11_error *p11_error_set_text(struct p11_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline int p11_error_code(const struct p11_error *error, int code)
{
    (void)error;
    return code;
}

/* Writes one line for people, "C_Sign: CKR_DEVICE_ERROR" or the text. Returns `buffer`. */
const char *p11_error_describe(const struct p11_error *error, char *buffer, size_t size);

/* The name of a return value, as in PKCS #11 v3.0 section 6.
 * Unknown ones are NULL. */
const char *p11_rv_name(CK_RV rv);

/* "session", "login", "module", "process". */
const char *p11_rung_name(enum p11_rung rung);

/* The rung that a return value calls for. */
enum p11_rung p11_rv_rung(CK_RV rv);

/* Whether tokens give it for a single broken object as well as when they are broken themselves:
 * CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED and what vendors have added. */
bool p11_rv_may_be_object(CK_RV rv);

#endif
