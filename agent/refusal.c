/* Translates the codes of pkcs11/ into those of this folder. */
#include "config.h"
#include "agent/refusal.h"
#include "pkcs11/error.h"

int refusal_from_p11(int code)
{
    switch (code) {
    case P11_UNAVAILABLE:
    case P11_FAILED:
        return REFUSAL_TOKEN_UNAVAILABLE;
    case P11_LOCKED:
        return REFUSAL_LOCKED;
    case P11_KEY:
        return REFUSAL_KEY_UNAVAILABLE;
    case P11_BUSY:
        return REFUSAL_OVERLOADED;
    default:
        return REFUSAL_INTERNAL;
    }
}
