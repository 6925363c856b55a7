/* hintsign-key generate: lets a token make a key that never leaves it. */
#include "config.h"
#include "pkcs11/key/generate.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"

/* Signals wait until the key is read back, or gone. */
static int generate(struct token *token, const struct newkey_name *name,
                    const struct keyspec *keyspec, struct newkey *ret_newkey,
                    struct p11_error *error)
{
    sigset_t before;
    guard_hold_signals(&before);
    int r = newkey_generate(token, name, keyspec, ret_newkey, error);
    guard_release_signals(&before);
    return r;
}

int generate_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    struct newkey newkey;
    struct newkey_name name;
    int r = newkey_name(options->label, options->id, options->id_len, &name, error);
    if (r == 0)
        r = tokens_open(&tokens, options, true, error);
    if (r == 0)
        r = newkey_name_is_free(tokens.list[0], &name, error);
    if (r == 0)
        r = generate(tokens.list[0], &name, options->keyspec, &newkey, error);
    struct show show;
    if (r == 0)
        r = show_begin(options->json, 1, &show, error);
    if (r < 0)
        return r;
    r = show_key(&show, newkey.token, &newkey.object, error);
    show_end(&show);
    return r;
}
