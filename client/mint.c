/* Mint: asks for one token, or for many in a pipeline. */
#include "config.h"
#include "client/hintsign.h"

#include "client/exchange.h"
#include "client/reply.h"

#include <stdlib.h>
#include <string.h>

struct batch {
    struct hintsign *handle;
    const struct hintsign_request *requests;
    hintsign_answer_fn *answer;
    void *data;
};

/* The claims stand in the request as they are, once it is certain that they are one object: nothing
 * in them can become another parameter. */
static int check_claims(struct error *error, const char *text)
{
    size_t length = strlen(text), most = json_value_most(text, length);
    struct json_value *values = reallocarray(NULL, most, sizeof *values);
    char *copy = strdup(text);
    int code = 0;
    if (!values || !copy)
        code = error_set_memory(error);
    else if (json_value_parse(copy, length, values, most) < 0)
        code =
            error_set(error, HINTSIGN_INVALID, "the claims are not a JSON object: no valid JSON");
    else if (values->type != JSON_VALUE_OBJECT)
        code = error_set(error, HINTSIGN_INVALID,
                         "the claims are not a JSON object: another kind of value");
    free(copy);
    free(values);
    return code;
}

static int add_claims(struct error *error, struct text *call, const char *text)
{
    int code = text ? check_claims(error, text) : 0;
    if (text && code == 0)
        exchange_add_json(call, "claims", text);
    return code;
}

static int compose(void *data, size_t index, struct text *call)
{
    struct batch *batch = data;
    const struct hintsign_request *request = &batch->requests[index];
    struct error *error = &batch->handle->error;
    if (!request->profile)
        return error_set(error, HINTSIGN_INVALID, "no profile is named");
    int code = exchange_add(error, call, "profile", request->profile);
    if (code == 0)
        code = exchange_add(error, call, "audience", request->audience);
    if (code == 0)
        code = add_claims(error, call, request->claims);
    if (code == 0)
        code = exchange_add(error, call, "reference", request->reference);
    return code;
}

/* A token goes into URLs and headers: no other character may hide in it. */
static bool is_compact(const char *jwt)
{
    return *jwt && !jwt[strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_.")];
}

/* The token's strings live as long as `parameters`. */
static int read_token(struct error *error, const struct json_value *parameters,
                      struct hintsign_token *ret_token)
{
    struct hintsign_token token;
    int code = reply_string(error, parameters, "token", true, &token.jwt);
    if (code == 0)
        code = reply_integer(error, parameters, "expires_at", false, &token.expires_at);
    if (code == 0)
        code = reply_string(error, parameters, "kid", false, &token.kid);
    if (code == 0)
        code = reply_integer(error, parameters, "id", true, &token.id);
    if (code == 0 && !is_compact(token.jwt))
        code = error_set(error, HINTSIGN_PROTOCOL, "the reply's 'token' is not a token");
    if (code == 0)
        *ret_token = token;
    return code;
}

static int answer(void *data, size_t index, int code, const struct json_value *parameters)
{
    struct batch *batch = data;
    struct hintsign_token token;
    if (code == 0) {
        int broken = read_token(&batch->handle->error, parameters, &token);
        if (broken < 0)
            return broken;
    }
    batch->answer(batch->data, index, code, code == 0 ? &token : NULL);
    return 0;
}

int hintsign_mint_many(struct hintsign *handle, const struct hintsign_request *requests,
                       size_t count, hintsign_answer_fn *answer_each, void *data)
{
    struct batch batch = {handle, requests, answer_each, data};
    struct exchange exchange = {"Mint", count, compose, answer, &batch};
    return count > 0 ? exchange_run(handle, &exchange) : HINTSIGN_OK;
}

struct single {
    struct hintsign *handle;
    int code;
    struct hintsign_token *token;
};

/* One block holds the token and its strings. */
static struct hintsign_token *copy_token(const struct hintsign_token *token)
{
    size_t jwt_size = strlen(token->jwt) + 1;
    size_t kid_size = token->kid ? strlen(token->kid) + 1 : 0;
    struct hintsign_token *copy = malloc(sizeof *copy + jwt_size + kid_size);
    if (!copy)
        return NULL;
    char *strings = (char *)(copy + 1);
    *copy = *token;
    copy->jwt = memcpy(strings, token->jwt, jwt_size);
    if (token->kid)
        copy->kid = memcpy(strings + jwt_size, token->kid, kid_size);
    return copy;
}

static void keep(void *data, size_t index, int code, const struct hintsign_token *token)
{
    struct single *single = data;
    (void)index;
    single->code = code;
    single->token = token ? copy_token(token) : NULL;
    if (token && !single->token)
        single->code = error_set_memory(&single->handle->error);
}

int hintsign_mint(struct hintsign *handle, const struct hintsign_request *request,
                  struct hintsign_token **ret_token)
{
    struct single single = {.handle = handle};
    int code = hintsign_mint_many(handle, request, 1, keep, &single);
    if (code == 0)
        code = single.code;
    if (code == 0)
        *ret_token = single.token;
    else
        hintsign_token_free(single.token);
    return code;
}

void hintsign_token_free(struct hintsign_token *token)
{
    free(token);
}
