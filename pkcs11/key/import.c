/* hintsign-key import: puts the same client secret into every token named, or into none. */
#include "config.h"
#include "pkcs11/key/import.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/entry.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"

#include <stdio.h>

/* From a person or a file to the bytes that go into the token. */
static int get_key(const struct options *options, struct secret *ret_key, struct p11_error *error)
{
    _cleanup_secret_ struct secret secret = {0};
    int r = entry_read(options->secret_file, options->label, &secret, error);
    if (r < 0)
        return r;
    return hmac_key_make(&secret, options->mech, options->derivation, options->allow_short, ret_key,
                         error);
}

static int check_names(const struct tokens *tokens, const struct newkey_name *name,
                       struct p11_error *error)
{
    int r = 0;
    for (size_t i = 0; i < tokens->count && r == 0; i++)
        r = newkey_name_is_free(tokens->list[i], name, error);
    return r;
}

/* Adds to the error of one token what became of the key on the others. */
static void undo(const struct newkey *newkeys, size_t count, struct p11_error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct p11_error failure, before = *error;
        char reason[P11_ERROR_TEXT_MAX];
        if (newkey_destroy(&newkeys[i], &failure) == 0)
            p11_error_text(error, before.code, "%s; removed again from %s", before.text,
                           newkeys[i].token->name);
        else
            p11_error_text(error, before.code, "%s; NOT removed again (delete it): %s", before.text,
                           p11_error_describe(&failure, reason, sizeof reason));
    }
}

/* The key is on all tokens then, or on none. */
static int import_all(const struct tokens *tokens, const struct newkey_name *name,
                      const struct options *options, const struct secret *key,
                      struct newkey *ret_newkeys, struct p11_error *error)
{
    int r = 0;
    for (size_t i = 0; i < tokens->count && r == 0; i++) {
        r = newkey_import(tokens->list[i], name, options->mech, key, &ret_newkeys[i], error);
        if (r < 0)
            undo(ret_newkeys, i, error);
    }
    return r;
}

static int import_recorded(const struct tokens *tokens, const struct newkey_name *name,
                           const struct options *options, struct transcript *transcript,
                           const struct secret *key, struct newkey *ret_newkeys,
                           struct p11_error *error)
{
    struct ceremony ceremony = {
        .transcript = transcript,
        .command = "import",
        .tokens = tokens,
        .label = name->label,
        .id = name->id,
        .id_len = name->id_len,
        .derivation = options->derivation ? options->derivation->name : NULL,
        .mech = options->mech,
    };
    int r = ceremony_begin(&ceremony, error);
    if (r < 0)
        return r;
    r = import_all(tokens, name, options, key, ret_newkeys, error);
    return ceremony_end(&ceremony, r, error);
}

static int show_all(const struct newkey *newkeys, size_t count, bool json, struct p11_error *error)
{
    struct show show;
    int r = show_begin(json, count, &show, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count && r == 0; i++)
        r = show_key(&show, newkeys[i].token, &newkeys[i].object, error);
    show_end(&show);
    return r;
}

int import_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    _cleanup_secret_ struct secret key = {0};
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
        r = get_key(options, &key, error);
    if (r == 0)
        r = import_recorded(&tokens, &name, options, &transcript, &key, newkeys, error);
    if (r == 0)
        r = show_all(newkeys, tokens.count, options->json, error);
    return r;
}
