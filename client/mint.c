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

static int add_claims(struct error *error, json_t *parameters, const char *text)
{
    if (!text)
        return 0;
    int code = 0;
    json_error_t why;
    json_t *claims = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(claims))
        code = error_set(error, HINTSIGN_INVALID, "the claims are not a JSON object: %s",
                         claims ? "they are an array" : why.text);
    else if (json_object_set(parameters, "claims", claims) < 0)
        code = error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
    json_decref(claims);
    return code;
}

static int compose(void *data, size_t index, json_t **ret_parameters)
{
    struct batch *batch = data;
    const struct hintsign_request *request = &batch->requests[index];
    struct error *error = &batch->handle->error;
    if (!request->profile)
        return error_set(error, HINTSIGN_INVALID, "no profile is named");
    json_t *parameters = json_object();
    int code = exchange_add(error, parameters, "profile", request->profile);
    if (code == 0)
        code = exchange_add(error, parameters, "audience", request->audience);
    if (code == 0)
        code = add_claims(error, parameters, request->claims);
    if (code == 0)
        code = exchange_add(error, parameters, "reference", request->reference);
    if (code == 0)
        *ret_parameters = parameters;
    else
        json_decref(parameters);
    return code;
}

/* A token goes into URLs and headers: no other character may hide in it. */
static bool is_compact(const char *jwt)
{
    return *jwt && !jwt[strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_.")];
}

/* The token's strings live as long as `parameters`. */
static int read_token(struct error *error, const json_t *parameters,
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

static int answer(void *data, size_t index, int code, const json_t *parameters)
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
        single->code = error_set(&single->handle->error, HINTSIGN_NO_MEMORY, "%s",
                                 hintsign_strerror(HINTSIGN_NO_MEMORY));
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
