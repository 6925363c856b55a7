/* Opens the tokens that the command line names, and makes their errors readable. */
#include "config.h"
#include "pkcs11/key/tokens.h"
#include "pkcs11/key/prompt.h"

#include <stdio.h>
#include <string.h>

#define SESSIONS 1 /* places in the pool: we use the anchor session alone */

/* What to do next, where the name of a return value does not say it. */
static const struct advice {
    CK_RV rv;
    const char *text;
} advices[] = {
    {CKR_PIN_INCORRECT, "the PIN is wrong; it was tried once"},
    {CKR_PIN_INVALID, "the PIN is wrong; it was tried once"},
    {CKR_PIN_LEN_RANGE, "the PIN is wrong; it was tried once"},
    {CKR_PIN_LOCKED, "the PIN is locked: the token's security officer must set a new one"},
    {CKR_PIN_EXPIRED, "the PIN has expired: set a new one"},
    {CKR_USER_PIN_NOT_INITIALIZED, "the token has no user PIN yet"},
    {CKR_TOKEN_WRITE_PROTECTED, "the token is write-protected"},
    {CKR_DEVICE_MEMORY, "the token may be full"},
    {CKR_MECHANISM_INVALID, "the token cannot make keys of that type"},
    {CKR_CURVE_NOT_SUPPORTED, "the token does not know the curve"},
    {CKR_KEY_SIZE_RANGE, "the token does not take keys of that length"},
};

static const char *advice_for(const struct token *token, const struct p11_error *error)
{
    for (size_t i = 0; error->call && i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].rv == error->rv)
            return advices[i].text;
    if (error->code != P11_LOCKED || error->call)
        return NULL;
    if (p11_kit_uri_get_pin_source(token->uri))
        return "to type the PIN instead, leave pin-source out";
    return "and there is no terminal to ask for the PIN";
}

int tokens_explain(const struct token *token, struct p11_error *error)
{
    char text[P11_ERROR_TEXT_MAX];
    p11_error_describe(error, text, sizeof text);
    const char *advice = advice_for(token, error);
    return p11_error_text(error, error->code, "%s: %s%s%s", token->name, text, advice ? ": " : "",
                          advice ? advice : "");
}

static bool is_same(const char *a, const char *b)
{
    return a ? b && strcmp(a, b) == 0 : !b;
}

/* The module that the URI names (token_check_uri has seen to that): one that another token has
 * brought, or a new one. */
static int find_module(struct tokens *tokens, P11KitUri *uri, struct module **ret_module,
                       struct p11_error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    const char *registered = p11_kit_uri_get_module_name(uri);
    for (size_t i = 0; i < tokens->module_count; i++) {
        struct module *module = tokens->modules[i];
        if (is_same(module->path, path) && is_same(module->registered, registered)) {
            *ret_module = module;
            return 0;
        }
    }
    int r = module_new(path, registered, ret_module, error);
    if (r == 0)
        tokens->modules[tokens->module_count++] = *ret_module;
    return r;
}

static int refuse_twice(const struct tokens *tokens, const struct token *token,
                        struct p11_error *error)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *other = tokens->list[i];
        if (other != token && other->module == token->module && other->found &&
            other->slot == token->slot)
            return p11_error_text(error, P11_INVALID, "is named twice");
    }
    return 0;
}

/* A list that lacks a key, or a name that seems to be free, must not be taken for the truth. */
static void warn_of_unread(const struct token *token)
{
    char why[P11_ERROR_TEXT_MAX];
    const struct index *index = &token->index;
    if (index->unread_count > 0)
        fprintf(stderr, "WARNING: %s: cannot read %zu of its objects: %s\n", token->name,
                index->unread_count, p11_error_describe(&index->unread_error, why, sizeof why));
}

static int open_token(struct tokens *tokens, struct token *token, struct p11_error *error)
{
    int r = find_module(tokens, token->uri, &token->module, error);
    if (r == 0)
        r = module_start(token->module, error);
    if (r == 0)
        r = token_find(token, error);
    if (r == 0)
        r = refuse_twice(tokens, token, error);
    if (r == 0)
        r = token_open(token, error);
    if (r == 0)
        r = token_index(token, error);
    if (r < 0)
        return tokens_explain(token, error);
    warn_of_unread(token);
    return 0;
}

static int add(struct tokens *tokens, const char *uri, struct token **ret_token,
               struct p11_error *error)
{
    char name[P11_ERROR_TEXT_MAX / 2];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(uri, "?"), uri);
    int r = token_new(name, uri, SESSIONS, TOKEN_LOGIN_PIN, ret_token, error);
    if (r == 0)
        tokens->list[tokens->count++] = *ret_token;
    return r;
}

int tokens_open(struct tokens *tokens, const struct options *options, bool read_write,
                struct p11_error *error)
{
    for (size_t i = 0; i < options->token_count; i++) {
        struct token *token = NULL;
        int r = add(tokens, options->tokens[i], &token, error);
        if (r < 0)
            return r;
        token->read_write = read_write;
        token->ask_pin = prompt_pin;
        r = open_token(tokens, token, error);
        if (r < 0)
            return r;
    }
    return 0;
}

void tokens_close(struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->list[i]->module)
            token_close(tokens->list[i]);
        token_free(tokens->list[i]);
    }
    for (size_t i = 0; i < tokens->module_count; i++)
        module_free(tokens->modules[i]);
    *tokens = (struct tokens){.count = 0};
}
