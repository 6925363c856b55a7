/* Lets tests in other languages use agent/jose: a JSON object a line in, one a line out. */
#include "config.h"
#include "agent/jose/jwe.h"
#include "agent/jose/jwk.h"
#include "agent/jose/jwk_write.h"
#include "agent/jose/jws.h"
#include "agent/jose/base64url.h"
#include "tests/unit/jose_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 256

static struct jose *jose;

/* A member that is a string; "" where it is not. */
static const char *text(const json_t *request, const char *name)
{
    const char *value = json_string_value(json_object_get(request, name));
    return value ? value : "";
}

static int public_key(const json_t *request, struct jwk *ret_jwk)
{
    const char *error;
    return jwk_parse(jose, json_object_get(request, "key"), ret_jwk, &error);
}

/* alg, enc, a public key, kid, data: a token. */
static int seal(const json_t *request, char **ret_result, size_t *ret_length)
{
    struct jwk jwk = {0};
    struct jwe_recipient *recipient = NULL;
    const struct alg *alg = alg_find(text(request, "alg"));
    const struct enc *enc = enc_find(text(request, "enc"));
    const char *data = text(request, "data");
    int r = alg && enc ? public_key(request, &jwk) : JOSE_UNSUPPORTED;
    if (r == 0)
        r = jwe_recipient_new(jose, alg, enc, jwk.key, text(request, "kid"), &recipient);
    if (r == 0)
        r = jwe_seal(recipient, data, strlen(data), ret_result, ret_length);
    jwe_recipient_free(recipient);
    jwk_clear(&jwk);
    return r;
}

/* A private key and a token: the plaintext. */
static int open_token(const json_t *request, char **ret_result, size_t *ret_length)
{
    EVP_PKEY *key = jose_keys_private(jose, json_object_get(request, "key"));
    const char *token = text(request, "token");
    int r = key ? jwe_open(jose, key, token, strlen(token), ret_result, ret_length) : JOSE_INVALID;
    EVP_PKEY_free(key);
    return r;
}

/* alg, a public key or a secret, and a token: the payload. */
static int verify(const json_t *request, char **ret_result, size_t *ret_length)
{
    unsigned char secret[SECRET_MAX];
    struct jwk jwk = {0};
    const char *token = text(request, "token"), *k = text(json_object_get(request, "key"), "k");
    struct jws_key key = {.alg = alg_find(text(request, "alg")), .secret = secret};
    if (!key.alg || BASE64URL_BYTES(strlen(k)) > sizeof secret)
        return JOSE_UNSUPPORTED;
    int r = key.alg->family == ALG_HMAC ? base64url_decode(k, strlen(k), secret)
                                        : public_key(request, &jwk);
    key.key = jwk.key;
    key.secret_len = BASE64URL_BYTES(strlen(k));
    if (r == 0)
        r = jws_verify(jose, &key, token, strlen(token), ret_result, ret_length);
    jwk_clear(&jwk);
    return r;
}

/* A public key: the same, as we write it. */
static int rewrite(const json_t *request, char **ret_result, size_t *ret_length)
{
    struct jwk jwk = {0};
    int r = public_key(request, &jwk);
    if (r == 0)
        r = jwk_write(jwk.key, jwk.kid, NULL, jwk.alg, ret_result, ret_length);
    jwk_clear(&jwk);
    return r;
}

static int thumbprint(const json_t *request, char **ret_result, size_t *ret_length)
{
    struct jwk jwk = {0};
    char *result = calloc(1, JWK_THUMBPRINT_LENGTH + 1);
    int r = result ? public_key(request, &jwk) : JOSE_MEMORY;
    if (r == 0)
        r = jwk_write_thumbprint(jose, jwk.key, result);
    jwk_clear(&jwk);
    if (r < 0) {
        free(result);
        return r;
    }
    *ret_result = result;
    *ret_length = JWK_THUMBPRINT_LENGTH;
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const json_t *request, char **ret_result, size_t *ret_length);
} commands[] = {
    {"seal", seal},   {"open", open_token},       {"verify", verify},
    {"jwk", rewrite}, {"thumbprint", thumbprint},
};

static int run(const json_t *request, char **ret_result, size_t *ret_length)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, text(request, "do")) == 0)
            return commands[i].run(request, ret_result, ret_length);
    return JOSE_INVALID;
}

static void answer(const char *line)
{
    json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    char *result = NULL;
    size_t length = 0;
    int r = run(request, &result, &length);
    json_t *reply =
        r == 0 ? json_pack("{s:s%}", "result", result, length) : json_pack("{s:i}", "error", r);
    json_dumpf(reply, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    free(result);
    json_decref(reply);
    json_decref(request);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    if (jose_new(NULL, &jose) < 0)
        return 1;
    while (getline(&line, &size, stdin) > 0)
        answer(line);
    free(line);
    jose_free(jose);
    return 0;
}
