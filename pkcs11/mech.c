/* The table of JOSE algorithms and the PKCS#11 mechanisms that perform them. */
#include "config.h"
#include "pkcs11/mech.h"

#include <string.h>

/* Tokens hold HMAC keys as generic secrets or under the hash's own type: both are taken. */
static const struct mech mechs[] = {
    {"HS256", CKO_SECRET_KEY, {CKK_GENERIC_SECRET, CKK_SHA256_HMAC}, CKM_SHA256_HMAC, 32, 32},
    {"HS384", CKO_SECRET_KEY, {CKK_GENERIC_SECRET, CKK_SHA384_HMAC}, CKM_SHA384_HMAC, 48, 48},
    {"HS512", CKO_SECRET_KEY, {CKK_GENERIC_SECRET, CKK_SHA512_HMAC}, CKM_SHA512_HMAC, 64, 64},
};

const struct mech *mech_find(const char *algorithm)
{
    for (size_t i = 0; i < sizeof mechs / sizeof mechs[0]; i++)
        if (strcmp(mechs[i].algorithm, algorithm) == 0)
            return &mechs[i];
    return NULL;
}

const struct mech *mech_at(size_t index)
{
    return index < sizeof mechs / sizeof mechs[0] ? &mechs[index] : NULL;
}
