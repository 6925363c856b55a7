/* Sign: asks for one signature. */
#include "config.h"
#include "client/hintsign.h"

#include "client/base64.h"
#include "client/exchange.h"
#include "client/reply.h"

#include <stdlib.h>
#include <string.h>

struct signing {
    struct error *error;
    const struct hintsign_sign_request *request;
    struct hintsign_signature *signature;
};

/* Nothing is added for bytes that are NULL. */
static int add_bytes(struct error *error, struct text *call, const char *name, const void *data,
                     size_t length)
{
    if (!data)
        return 0;
    if (length > HINTSIGN_DATA_MAX)
        return error_set(error, HINTSIGN_INVALID, "the %s is longer than %d bytes", name,
                         HINTSIGN_DATA_MAX);
    char *text = malloc(BASE64_LENGTH(length) + 1);
    if (!text)
        return error_set_memory(error);
    base64_encode(data, length, text);
    text[BASE64_LENGTH(length)] = '\0';
    int code = exchange_add(error, call, name, text);
    free(text);
    return code;
}

static int compose(void *data, struct text *call)
{
    const struct signing *signing = data;
    const struct hintsign_sign_request *request = signing->request;
    struct error *error = signing->error;
    int code = exchange_add(error, call, "profile", request->profile);
    if (code == 0)
        code = exchange_add(error, call, "algorithm", request->algorithm);
    if (code == 0)
        code = add_bytes(error, call, "data", request->data, request->data_length);
    if (code == 0)
        code = add_bytes(error, call, "digest", request->digest, request->digest_length);
    if (code == 0)
        code = exchange_add(error, call, "reference", request->reference);
    return code;
}

/* One block holds the signature and its bytes. */
static int read_signature(void *data, const struct json_value *parameters)
{
    struct signing *signing = data;
    struct error *error = signing->error;
    const char *text;
    int64_t id;
    int code = reply_string(error, parameters, "signature", true, &text);
    if (code == 0)
        code = reply_integer(error, parameters, "id", true, &id);
    if (code < 0)
        return code;
    size_t length = strlen(text);
    struct hintsign_signature *signature = malloc(sizeof *signature + BASE64_BYTES(length));
    if (!signature)
        return error_set_memory(error);
    unsigned char *bytes = (unsigned char *)(signature + 1);
    ptrdiff_t bytes_length = base64_decode(text, length, bytes);
    if (bytes_length <= 0) {
        free(signature);
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'signature' is not base64");
    }
    *signature = (struct hintsign_signature){bytes, (size_t)bytes_length, id};
    signing->signature = signature;
    return 0;
}

static int check(struct error *error, const struct hintsign_sign_request *request)
{
    if (!request->profile || !request->algorithm)
        return error_set(error, HINTSIGN_INVALID, "no %s is named",
                         request->profile ? "algorithm" : "profile");
    if (!request->data == !request->digest)
        return error_set(error, HINTSIGN_INVALID, "there must be data or a digest to sign%s",
                         request->data ? ", not both" : "");
    return 0;
}

int hintsign_sign(struct hintsign *handle, const struct hintsign_sign_request *request,
                  struct hintsign_signature **ret_signature)
{
    struct signing signing = {&handle->error, request, NULL};
    int code = check(&handle->error, request);
    if (code == 0)
        code = exchange_call(handle, "Sign", compose, read_signature, &signing);
    if (code == 0)
        *ret_signature = signing.signature;
    else
        hintsign_signature_free(signing.signature); /* the conversation may break after it */
    return code;
}

void hintsign_signature_free(struct hintsign_signature *signature)
{
    free(signature);
}
