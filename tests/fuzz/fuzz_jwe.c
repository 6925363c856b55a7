/* Sealed tokens of strangers, opened with a key of each type. */
#include "config.h"
#include "agent/jose/jwe.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/jose_keys.h"

#include <stdlib.h>

/* Fixed, so that the corpus has tokens that open. */
static const char *const keys[] = {
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
    "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\","
    "\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}",
    "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"wNks7EaYbPkIp-aVHYkEg5HFDlMzji_C7lajpE8CiwU\","
    "\"d\":\"oG_gywwMPTxlJEl4_dlMVByW5ntIeC1OJmo4DHlYkXo\"}",
};
#define KEYS (sizeof keys / sizeof keys[0])

static struct jose *jose;
static EVP_PKEY *privates[KEYS + 1]; /* and one of RSA, made anew */

static void end(void)
{
    for (size_t i = 0; i <= KEYS; i++)
        EVP_PKEY_free(privates[i]);
    jose_free(jose);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (jose_new(NULL, &jose) < 0)
        abort();
    for (size_t i = 0; i < KEYS; i++) {
        json_t *jwk = json_loads(keys[i], 0, NULL);
        privates[i] = jose_keys_private(jose, jwk);
        json_decref(jwk);
    }
    privates[KEYS] = jose_keys_generate(jose, "RSA");
    for (size_t i = 0; i <= KEYS; i++)
        if (!privates[i])
            abort();
    return atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i <= KEYS; i++) {
        char *plaintext;
        size_t length;
        if (jwe_open(jose, privates[i], (const char *)data, size, &plaintext, &length) == 0)
            free(plaintext);
    }
    return 0;
}
