/* The tokens that the command line names: opened, logged in and indexed. */
#ifndef HINTSIGN_KEY_TOKENS_H
#define HINTSIGN_KEY_TOKENS_H

#include "pkcs11/key/options.h"
#include "pkcs11/token.h"

struct tokens {
    struct token *list[OPTIONS_TOKENS_MAX];
    struct module *modules[OPTIONS_TOKENS_MAX]; /* shared by the tokens that name the same */
    size_t count;
    size_t module_count;
};

/* Opens every token of options->tokens, in their order; its `name` is the URI up to its query.
 * The PIN comes from pin-source, or is asked for on the terminal; a wrong one is tried once.
 * *tokens is zero-initialised, and closed by the caller also after an error.
 * Errors: those of token_open and token_index, with the token's name. */
int tokens_open(struct tokens *tokens, const struct options *options, bool read_write,
                struct p11_error *error);

/* Logs out, finalises the modules, frees everything. */
void tokens_close(struct tokens *tokens);

/* Makes an error of one token readable alone: the name before it, advice behind it.
 * Returns its code. */
int tokens_explain(const struct token *token, struct p11_error *error);

#define _cleanup_tokens_ __attribute__((cleanup(tokens_close)))

#endif
