/* hintsign-key export-kek: prints the public half of a pair that unwraps, and how it does. */
#include "config.h"
#include "pkcs11/key/export_kek.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/tokens.h"
#include "pkcs11/key/unwrap.h"

#include <string.h>

#define REASON_MAX 128

static int find(const struct token *token, const struct options *options, struct object *ret_object,
                struct p11_error *error)
{
    struct index_query query = {.object_class = CKO_PRIVATE_KEY,
                                .label = options->label,
                                .label_len = strlen(options->label),
                                .id = options->id_len ? options->id : NULL,
                                .id_len = options->id_len};
    char reason[REASON_MAX];
    const struct object *object;
    size_t count = index_find(&token->index, &query, 0, &object);
    if (count != 1)
        return p11_error_text(error, P11_KEY, "%s: %zu private keys have this label%s", token->name,
                              count, options->id_len ? " and id" : "");
    if (object_unfit_to_unwrap(object, reason, sizeof reason))
        return p11_error_text(error, P11_KEY, "%s: the key %s", token->name, reason);
    *ret_object = *object; /* the index may be built anew */
    return 0;
}

/* What a token says of its mechanisms is not enough: it is asked to unwrap something. */
static bool unwraps(struct token *token, const struct object *object, const struct kek *kek)
{
    static const unsigned char nothing_secret[WRAPPED_AES_LEN];
    unsigned char data[KEK_RSA_MAX];
    CK_RSA_PKCS_OAEP_PARAMS params = kek->hash->params;
    struct newkey_wrapping wrapping = {.mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof params},
                                       .unwrap_with = object->handle,
                                       .data = data};
    struct p11_error error;
    CK_OBJECT_HANDLE handle;
    if (kek_encrypt(kek, nothing_secret, sizeof nothing_secret, data, &wrapping.length, &error) <
            0 ||
        newkey_transport(token, &wrapping, &handle, &error) < 0)
        return false;
    (void)token->module->fn->C_DestroyObject(token->anchor, handle);
    return true;
}

static int find_hash(struct token *token, const struct object *object, struct kek *kek,
                     struct p11_error *error)
{
    for (size_t i = 0; (kek->hash = kek_hash_at(i)); i++)
        if (unwraps(token, object, kek))
            return 0;
    return p11_error_text(error, P11_KEY, "%s: the token does not unwrap keys with RSA-OAEP",
                          token->name);
}

static int record(const struct options *options, const struct tokens *tokens,
                  const struct object *object, const struct kek *kek, struct p11_error *error)
{
    _cleanup_transcript_ struct transcript transcript = TRANSCRIPT_NONE;
    struct ceremony ceremony = {
        .transcript = &transcript,
        .command = "export-kek",
        .tokens = tokens,
        .label = object->label,
        .id = object->id,
        .id_len = object->id_len,
        .kek = kek->fingerprint,
    };
    int r = transcript_open(options->transcript, &transcript, error);
    if (r == 0)
        r = ceremony_begin(&ceremony, error);
    return r == 0 ? ceremony_end(&ceremony, 0, error) : r;
}

int export_kek_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    _cleanup_kek_ struct kek kek = {0};
    struct object object;
    int r = tokens_open(&tokens, options, false, error);
    if (r == 0)
        r = find(tokens.list[0], options, &object, error);
    if (r == 0) {
        r = kek_read_token(tokens.list[0], &object, &kek, error);
        if (r < 0)
            r = tokens_explain(tokens.list[0], error);
    }
    if (r == 0)
        r = find_hash(tokens.list[0], &object, &kek, error);
    if (r == 0)
        r = record(options, &tokens, &object, &kek, error);
    return r == 0 ? kek_print(&kek, error) : r;
}
