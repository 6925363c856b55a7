/* Why a request was not served: the codes of this folder. reply.c alone gives them their names
 * on the wire. */
#ifndef HINTSIGN_AGENT_REFUSAL_H
#define HINTSIGN_AGENT_REFUSAL_H

#include <stdint.h>

enum refusal_code {
    /* Of io.hintsign.Agent; metrics.c has a place for each of these and of the next three. */
    REFUSAL_NOT_ALLOWED = -1,
    REFUSAL_INVALID_CLAIM = -2,
    REFUSAL_UNKNOWN_AUDIENCE = -3,
    REFUSAL_INVALID_MESSAGE = -4,
    REFUSAL_RATE_LIMITED = -5,
    REFUSAL_LOCKED = -6,
    REFUSAL_TOKEN_UNAVAILABLE = -7,
    REFUSAL_KEY_UNAVAILABLE = -8,
    REFUSAL_ENCRYPTION_KEY_UNAVAILABLE = -9,
    REFUSAL_AUDIT_UNAVAILABLE = -10,
    REFUSAL_OVERLOADED = -11,
    REFUSAL_INTERNAL = -12,
    /* Varlink's own (org.varlink.service) */
    REFUSAL_INTERFACE_NOT_FOUND = -13,
    REFUSAL_METHOD_NOT_FOUND = -14,
    REFUSAL_INVALID_PARAMETER = -15,
    /* Of io.hintsign.Admin */
    REFUSAL_NO_ADMINISTRATOR = -40,
    REFUSAL_INVALID_ORDER = -41,
    REFUSAL_UNKNOWN_TOKEN = -42,
    REFUSAL_LOGIN_FAILED = -43,
    REFUSAL_TOKEN_AWAY = -44,
    REFUSAL_NOT_DONE = -45,
    REFUSAL_INVALID_CONFIGURATION = -46,
};

/* The functions of the line return 0 or a refusal_code, and fill this in. */
struct refusal {
    const char *name;       /* of the claim, parameter, method or interface; borrowed, or NULL */
    const char *message;    /* a short sentence that is safe to show; NULL: the usual one */
    int64_t retry_after_ms; /* when to try again; 0: the usual */
    char detail[256];       /* for the log alone; may be empty */
};

/* The codes of pkcs11/ end here: what each means to a caller. */
int refusal_from_p11(int code);

#endif
