/* The table of JOSE algorithms and the PKCS#11 mechanisms that perform them. */
#include "config.h"
#include "pkcs11/mech.h"

#include <string.h>

/* Tokens hold HMAC keys as generic secrets or under the hash's own type: both are taken. */
#define HS(bits, bytes)                                                                            \
    {                                                                                              \
        "HS" #bits, MECH_HMAC, MECH_SHA##bits, CKO_SECRET_KEY,                                     \
            {CKK_GENERIC_SECRET, CKK_SHA##bits##_HMAC}, CKM_SHA##bits##_HMAC,                      \
            CKM_SHA##bits##_HMAC, bytes, bytes, NULL                                               \
    }
#define RS(bits)                                                                                   \
    {                                                                                              \
        "RS" #bits, MECH_RSA_PKCS1, MECH_SHA##bits, CKO_PRIVATE_KEY, {CKK_RSA, CKK_RSA},           \
            CKM_SHA##bits##_RSA_PKCS, CKM_RSA_PKCS, 256, 0, NULL                                   \
    }
#define PS(bits)                                                                                   \
    {                                                                                              \
        "PS" #bits, MECH_RSA_PSS, MECH_SHA##bits, CKO_PRIVATE_KEY, {CKK_RSA, CKK_RSA},             \
            CKM_SHA##bits##_RSA_PKCS_PSS, CKM_RSA_PKCS_PSS, 256, 0, NULL                           \
    }
#define ES(bits, curve, signature_len)                                                             \
    {                                                                                              \
        "ES" #bits, MECH_ECDSA, MECH_SHA##bits, CKO_PRIVATE_KEY, {CKK_EC, CKK_EC},                 \
            CKM_ECDSA_SHA##bits, CKM_ECDSA, 0, signature_len, curve                                \
    }

static const struct mech mechs[] = {
    HS(256, 32),
    HS(384, 48),
    HS(512, 64),
    RS(256),
    RS(384),
    RS(512),
    PS(256),
    PS(384),
    PS(512),
    ES(256, "P-256", 64),
    ES(384, "P-384", 96),
    ES(512, "P-521", 132),
    {"EdDSA",
     MECH_EDDSA,
     MECH_SHA512,
     CKO_PRIVATE_KEY,
     {CKK_EC_EDWARDS, CKK_EC_EDWARDS},
     CKM_EDDSA,
     CKM_EDDSA,
     0,
     64,
     "Ed25519"},
};

/* DigestInfo up to the hash itself: RFC 8017 section 9.2, note 1. */
#define DIGEST_INFO(whole, last, bytes)                                                            \
    {                                                                                              \
        0x30, whole, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, \
            0x05, 0x00, 0x04, bytes                                                                \
    }

static const struct mech_hash hashes[MECH_DIGESTS] = {
    [MECH_SHA256] = {"SHA2-256", 32, CKM_SHA256, CKG_MGF1_SHA256, DIGEST_INFO(0x31, 0x01, 0x20)},
    [MECH_SHA384] = {"SHA2-384", 48, CKM_SHA384, CKG_MGF1_SHA384, DIGEST_INFO(0x41, 0x02, 0x30)},
    [MECH_SHA512] = {"SHA2-512", 64, CKM_SHA512, CKG_MGF1_SHA512, DIGEST_INFO(0x51, 0x03, 0x40)},
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

const struct mech_hash *mech_hash_at(enum mech_digest digest)
{
    return &hashes[digest];
}
