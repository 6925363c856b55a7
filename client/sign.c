/* Sign: asks for one signature. */
#include "config.h"
#include "client/hintsign.h"

#include "client/base64.h"
#include "client/exchange.h"
#include "client/reply.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *error)
{
    return error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
}

/* Nothing is added for bytes that are NULL. */
static int add_bytes(struct error *error, json_t *parameters, const char *name, const void *data,
                     size_t length)
{
    if (!data)
        return 0;
    if (length > HINTSIGN_DATA_MAX)
        return error_set(error, HINTSIGN_INVALID, "the %s is longer than %d bytes", name,
                         HINTSIGN_DATA_MAX);
    char *text = malloc(BASE64_LENGTH(length) + 1);
    if (!text)
        return no_memory(error);
    base64_encode(data, length, text);
    int code = exchange_add(error, parameters, name, text);
    free(text);
    return code;
}

static int compose(struct error *error, const struct hintsign_sign_request *request,
                   json_t *parameters)
{
    if (!request->profile || !request->algorithm)
        return error_set(error, HINTSIGN_INVALID, "no %s is named",
                         request->profile ? "algorithm" : "profile");
    if (!request->data == !request->digest)
        return error_set(error, HINTSIGN_INVALID, "there must be data or a digest to sign%s",
                         request->data ? ", not both" : "");
    int code = exchange_add(error, parameters, "profile", request->profile);
    if (code == 0)
        code = exchange_add(error, parameters, "algorithm", request->algorithm);
    if (code == 0)
        code = add_bytes(error, parameters, "data", request->data, request->data_length);
    if (code == 0)
        code = add_bytes(error, parameters, "digest", request->digest, request->digest_length);
    if (code == 0)
        code = exchange_add(error, parameters, "reference", request->reference);
    return code;
}

/* One block holds the signature and its bytes. */
static int read_signature(struct error *error, const json_t *parameters,
                          struct hintsign_signature **ret_signature)
{
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
        return no_memory(error);
    unsigned char *bytes = (unsigned char *)(signature + 1);
    ptrdiff_t bytes_length = base64_decode(text, length, bytes);
    if (bytes_length <= 0) {
        free(signature);
        return error_set(error, HINTSIGN_PROTOCOL, "the reply's 'signature' is not base64");
    }
    *signature = (struct hintsign_signature){bytes, (size_t)bytes_length, id};
    *ret_signature = signature;
    return 0;
}

int hintsign_sign(struct hintsign *handle, const struct hintsign_sign_request *request,
                  struct hintsign_signature **ret_signature)
{
    json_t *parameters = json_object(), *reply;
    int code =
        parameters ? compose(&handle->error, request, parameters) : no_memory(&handle->error);
    if (code < 0) {
        json_decref(parameters);
        return code;
    }
    code = exchange_call(handle, "Sign", parameters, &reply);
    if (code < 0)
        return code;
    code = read_signature(&handle->error, reply, ret_signature);
    json_decref(reply);
    return code;
}

void hintsign_signature_free(struct hintsign_signature *signature)
{
    free(signature);
}
