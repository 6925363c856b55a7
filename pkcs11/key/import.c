/* hintsign-key import: puts the same client secret into every token named, or into none. */
#include "config.h"
#include "pkcs11/key/import.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/entry.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"
#include "pkcs11/key/unwrap.h"

#include <stdio.h>
#include <string.h>

/* What goes into the tokens. */
struct source {
    struct secret key;      /* in plain, or ... */
    struct wrapped wrapped; /* ... a file of hintsign-key wrap */
    bool is_wrapped;
    struct object keks[OPTIONS_TOKENS_MAX]; /* that unwraps it, on each token */
};

static int get_wrapped(const struct options *options, const struct tokens *tokens,
                       struct source *source, struct p11_error *error)
{
    struct wrapped *wrapped = &source->wrapped;
    int r = wrapped_read(options->wrapped, wrapped, error);
    if (r == 0 && wrapped->mech != options->mech)
        r = p11_error_text(error, P11_INVALID, "%s: the key is for %s, not for %s: see --algorithm",
                           options->wrapped, wrapped->mech->algorithm, options->mech->algorithm);
    for (size_t i = 0; i < tokens->count && r == 0; i++) {
        r = unwrap_find(tokens->list[i], options->unwrap_with, &source->keks[i], error);
        if (r == 0)
            r = unwrap_check(tokens->list[i], &source->keks[i], wrapped, error);
    }
    return r;
}

static int get(const struct options *options, const struct tokens *tokens, struct source *source,
               struct p11_error *error)
{
    source->is_wrapped = options->wrapped;
    return source->is_wrapped ? get_wrapped(options, tokens, source, error)
                              : entry_key(options, &source->key, error);
}

static int check_names(const struct tokens *tokens, const struct newkey_name *name,
                       struct p11_error *error)
{
    int r = 0;
    for (size_t i = 0; i < tokens->count && r == 0; i++)
        r = newkey_name_is_free(tokens->list[i], name, error);
    return r;
}

/* Says of each token that has the key already what became of it there: a line each, as the error of
 * the token that failed has no room for them all. */
static void undo(const struct newkey *newkeys, size_t count, const struct options *options,
                 struct ceremony *ceremony)
{
    for (size_t i = 0; i < count; i++) {
        const char *uri = options->tokens[i];
        struct p11_error failure;
        char reason[P11_ERROR_TEXT_MAX];
        fprintf(stderr, "hintsign-key: %.*s: ", (int)strcspn(uri, "?"), uri);
        ceremony->left_on[i] = newkey_destroy(&newkeys[i], &failure) < 0;
        if (ceremony->left_on[i])
            fprintf(stderr, "the key was NOT removed again: delete it: %s\n",
                    p11_error_describe(&failure, reason, sizeof reason));
        else
            fprintf(stderr, "the key was removed again\n");
    }
}

/* The key is on all tokens then, or on none. */
static int import_all(const struct tokens *tokens, const struct newkey_name *name,
                      const struct options *options, const struct source *source,
                      struct ceremony *ceremony, struct newkey *ret_newkeys,
                      struct p11_error *error)
{
    int r = 0;
    for (size_t i = 0; i < tokens->count && r == 0; i++) {
        struct token *token = tokens->list[i];
        r = source->is_wrapped
                ? unwrap_run(token, name, &source->keks[i], &source->wrapped, &ret_newkeys[i],
                             error)
                : newkey_import(token, name, options->mech, &source->key, &ret_newkeys[i], error);
        if (r != 0)
            undo(ret_newkeys, i, options, ceremony);
    }
    return r;
}

static int import_recorded(const struct tokens *tokens, const struct newkey_name *name,
                           const struct options *options, struct transcript *transcript,
                           const struct source *source, struct newkey *ret_newkeys,
                           struct p11_error *error)
{
    const struct derivation *derivation =
        source->is_wrapped ? source->wrapped.derivation : options->derivation;
    struct ceremony ceremony = {
        .transcript = transcript,
        .command = "import",
        .tokens = tokens,
        .label = name->label,
        .id = name->id,
        .id_len = name->id_len,
        .derivation = derivation ? derivation->name : NULL,
        .kek = source->is_wrapped ? source->wrapped.fingerprint : NULL,
        .mech = options->mech,
    };
    int r = ceremony_begin(&ceremony, error);
    if (r < 0)
        return r;
    r = import_all(tokens, name, options, source, &ceremony, ret_newkeys, error);
    return ceremony_end(&ceremony, r, error);
}

static int show_all(const struct newkey *newkeys, size_t count, const struct options *options,
                    struct p11_error *error)
{
    struct show show;
    int r = show_begin(options, &show, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        r = show_key(&show, newkeys[i].token, &newkeys[i].object, error);
    return show_end(&show, r, error);
}

int import_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    struct source source = {.is_wrapped = false};
    _cleanup_transcript_ struct transcript transcript = TRANSCRIPT_NONE;
    struct newkey newkeys[OPTIONS_TOKENS_MAX];
    struct newkey_name name;
    int r = newkey_name(options->label, options->id, options->id_len, &name, error);
    if (r == 0)
        r = transcript_open(options->transcript, &transcript, error);
    if (r == 0)
        r = tokens_open(&tokens, options, true, error);
    if (r == 0)
        r = check_names(&tokens, &name, error);
    if (r == 0)
        r = get(options, &tokens, &source, error);
    if (r == 0)
        r = import_recorded(&tokens, &name, options, &transcript, &source, newkeys, error);
    secret_wipe(&source.key);
    guard_wipe_stack();
    if (r == 0)
        r = show_all(newkeys, tokens.count, options, error);
    return r;
}
