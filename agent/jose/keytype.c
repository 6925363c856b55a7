/* The table of key types, and which of them a key is. */
#include "config.h"
#include "agent/jose/keytype.h"

#include <stdbool.h>
#include <string.h>

#define GROUP_NAME_MAX 32

static const struct keytype types[] = {
    {KEYTYPE_RSA, "RSA", NULL, "RSA", NULL, 0},
    {KEYTYPE_P256, "EC", "P-256", "EC", "prime256v1", 32},
    {KEYTYPE_P384, "EC", "P-384", "EC", "secp384r1", 48},
    {KEYTYPE_P521, "EC", "P-521", "EC", "secp521r1", 66},
    {KEYTYPE_ED25519, "OKP", "Ed25519", "ED25519", NULL, 32},
    {KEYTYPE_X25519, "OKP", "X25519", "X25519", NULL, 32},
};
#define TYPES (sizeof types / sizeof types[0])

const struct keytype *keytype_find(const char *kty, const char *crv)
{
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(types[i].kty, kty) == 0 &&
            (!types[i].crv || (crv && strcmp(types[i].crv, crv) == 0)))
            return &types[i];
    return NULL;
}

static bool is_of(const EVP_PKEY *key, const struct keytype *type)
{
    char group[GROUP_NAME_MAX];
    if (!EVP_PKEY_is_a(key, type->algorithm))
        return false;
    if (type->group)
        return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
               strcmp(group, type->group) == 0;
    int bits = EVP_PKEY_get_bits(key);
    return type->id != KEYTYPE_RSA ||
           (bits >= KEYTYPE_RSA_BITS_MIN && bits <= KEYTYPE_RSA_BITS_MAX);
}

const struct keytype *keytype_of(const EVP_PKEY *key)
{
    for (size_t i = 0; i < TYPES; i++)
        if (is_of(key, &types[i]))
            return &types[i];
    return NULL;
}
