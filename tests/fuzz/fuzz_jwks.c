/* A provider's key file: what is wrong with it, and to which of its keys tokens are encrypted. */
#include "config.h"
#include "agent/jose/jwe.h"
#include "agent/jose/jwks.h"
#include "agent/provider_keys_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ISSUER "https://op.example"

static const char *const names[] = {"RSA-OAEP-256", "RSA-OAEP", "ECDH-ES+A128KW", "ECDH-ES+A256KW",
                                    "ECDH-ES"};
#define ALGS (sizeof names / sizeof names[0])

static struct jose *jose;

static void end(void)
{
    jose_free(jose);
    scratch_close(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    scratch_open(NULL);
    if (jose_new(NULL, &jose) < 0)
        abort();
    return atexit(end);
}

static void write_file(const uint8_t *data, size_t size)
{
    char name[PROVIDER_KEYS_NAME_SIZE];
    provider_keys_file_name(ISSUER, name);
    int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

/* Whatever key was chosen must serve: a token is sealed to it. */
static void seal(const struct jwk *jwk, const struct alg *alg)
{
    struct jwe_recipient *recipient;
    char *token;
    size_t length;
    if (jwe_recipient_new(jose, alg, enc_find("A128CBC-HS256"), jwk->key, jwk->kid, &recipient) < 0)
        return;
    if (jwe_seal(recipient, "hint", 4, &token, &length) == 0)
        free(token);
    jwe_recipient_free(recipient);
}

static void choose(const struct jwks *jwks)
{
    const struct alg *alg;
    const struct jwk *jwk;
    const char *error = NULL;
    for (size_t i = 0; i < 2 * ALGS; i++) {
        const struct alg *wanted = alg_find(names[i / 2]);
        if (jwks_choose(jwks, &wanted, 1, i % 2, &jwk, &alg, &error) == 0)
            seal(jwk, alg);
        else if (!error)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct provider_keys_file file;
    struct jwks *jwks;
    const char *error = NULL;
    write_file(data, size);
    if (provider_keys_file_read(&file, scratch_path(""), ISSUER) == 0) {
        json_t *set = json_pack("{s:O}", "keys", file.keys);
        if (jwks_parse(jose, set, &jwks, &error) == 0) {
            choose(jwks);
            jwks_free(jwks);
        } else if (!error) {
            abort();
        }
        json_decref(set);
    }
    provider_keys_file_close(&file);
    return 0;
}
