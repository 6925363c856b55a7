/* hintsign-key generate: lets a token make a key that never leaves it. */
#include "config.h"
#include "pkcs11/key/generate.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"

static int generate(const struct tokens *tokens, const struct newkey_name *name,
                    const struct keyspec *keyspec, struct transcript *transcript,
                    struct newkey *ret_newkey, struct p11_error *error)
{
    struct ceremony ceremony = {
        .transcript = transcript,
        .command = "generate",
        .tokens = tokens,
        .label = name->label,
        .id = name->id,
        .id_len = name->id_len,
        .key_type = keyspec->name,
    };
    int r = ceremony_begin(&ceremony, error);
    if (r < 0)
        return r;
    r = newkey_generate(tokens->list[0], name, keyspec, ret_newkey, error);
    return ceremony_end(&ceremony, r, error);
}

int generate_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    _cleanup_transcript_ struct transcript transcript = TRANSCRIPT_NONE;
    struct newkey newkey;
    struct newkey_name name;
    int r = newkey_name(options->label, options->id, options->id_len, &name, error);
    if (r == 0)
        r = transcript_open(options->transcript, &transcript, error);
    if (r == 0)
        r = tokens_open(&tokens, options, true, error);
    if (r == 0)
        r = newkey_name_is_free(tokens.list[0], &name, error);
    if (r == 0)
        r = generate(&tokens, &name, options->keyspec, &transcript, &newkey, error);
    struct show show;
    if (r == 0)
        r = show_begin(options, &show, error);
    if (r != 0)
        return r;
    r = show_key(&show, newkey.token, &newkey.object, error);
    return show_end(&show, r, error);
}
