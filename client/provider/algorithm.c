/* The table of what the agent can be asked to sign with. */
#include "config.h"
#include "client/provider/algorithm.h"

#include <string.h>

/* OIDs differ in their last byte alone. */
#define ID_RS(last)                                                                                \
    .id_length = 15, .id = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,                        \
                            0xf7, 0x0d, 0x01, 0x01, last, 0x05, 0x00}
#define ID_HASH(last)                                                                              \
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00
#define ID_PS(last, salt)                                                                          \
    .id_length = 67,                                                                               \
    .id = {0x30, 0x41, 0x06, 0x09,          0x2a, 0x86, 0x48, 0x86,          0xf7, 0x0d,           \
           0x01, 0x01, 0x0a, 0x30,          0x34, 0xa0, 0x0f, ID_HASH(last), 0xa1, 0x1c,           \
           0x30, 0x1a, 0x06, 0x09,          0x2a, 0x86, 0x48, 0x86,          0xf7, 0x0d,           \
           0x01, 0x01, 0x08, ID_HASH(last), 0xa2, 0x03, 0x02, 0x01,          salt}
#define ID_ES(last)                                                                                \
    .id_length = 12, .id = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last}
#define ID_ED25519 .id_length = 7, .id = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}

/* Of each sort of key, what is usual comes first. */
static const struct algorithm algorithms[] = {
    {"RS256", KEY_RSA, NULL, "SHA256", 32, false, ID_RS(0x0b)},
    {"RS384", KEY_RSA, NULL, "SHA384", 48, false, ID_RS(0x0c)},
    {"RS512", KEY_RSA, NULL, "SHA512", 64, false, ID_RS(0x0d)},
    {"PS256", KEY_RSA, NULL, "SHA256", 32, true, ID_PS(0x01, 32)},
    {"PS384", KEY_RSA, NULL, "SHA384", 48, true, ID_PS(0x02, 48)},
    {"PS512", KEY_RSA, NULL, "SHA512", 64, true, ID_PS(0x03, 64)},
    {"ES256", KEY_EC, "prime256v1", "SHA256", 32, false, ID_ES(0x02)},
    {"ES384", KEY_EC, "secp384r1", "SHA384", 48, false, ID_ES(0x03)},
    {"ES512", KEY_EC, "secp521r1", "SHA512", 64, false, ID_ES(0x04)},
    {"EdDSA", KEY_ED25519, NULL, NULL, 0, false, ID_ED25519},
};
#define ALGORITHMS (sizeof algorithms / sizeof algorithms[0])

const char *algorithm_key_type(enum key_type type)
{
    static const char *const names[] = {
        [KEY_RSA] = "RSA", [KEY_EC] = "EC", [KEY_ED25519] = "ED25519"};
    return names[type];
}

static bool is_of_key(const struct algorithm *algorithm, enum key_type type, const char *curve)
{
    if (algorithm->type != type)
        return false;
    return !algorithm->curve || (curve && strcmp(algorithm->curve, curve) == 0);
}

const struct algorithm *algorithm_find(enum key_type type, const char *curve, bool pss,
                                       const EVP_MD *digest)
{
    for (size_t i = 0; i < ALGORITHMS; i++) {
        const struct algorithm *algorithm = &algorithms[i];
        if (is_of_key(algorithm, type, curve) && algorithm->pss == pss &&
            (!digest || (algorithm->digest && EVP_MD_is_a(digest, algorithm->digest))))
            return algorithm;
    }
    return NULL;
}

const struct algorithm *algorithm_find_length(enum key_type type, const char *curve, size_t length)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (is_of_key(&algorithms[i], type, curve) && algorithms[i].digest_length == length)
            return &algorithms[i];
    return NULL;
}
