/* Has a token unwrap a key: with RSA at once, or with RSA an AES key, and with that the key. */
#include "config.h"
#include "pkcs11/key/unwrap.h"
#include "pkcs11/key.h"
#include "pkcs11/key/tokens.h"

#include <string.h>

#define REASON_MAX 128
/* PKCS #11 v3.0 section 2.15: RFC 5649, under the name that came last and under the first one. */
#define AES_KEY_WRAP_KWP 0x210bUL

/* --- with which key --- */

static int parse(const char *text, P11KitUri *uri, struct p11_error *error)
{
    struct p11_error wrong;
    if (key_check_uri(text, &wrong) < 0)
        return p11_error_text(error, P11_INVALID, "--unwrap-with: %s", wrong.text);
    int r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
    return r == P11_KIT_URI_OK ? 0 : p11_error_text(error, P11_MEMORY, "out of memory");
}

static struct index_query query_of(P11KitUri *uri, CK_OBJECT_CLASS object_class)
{
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID);
    return (struct index_query){.object_class = object_class,
                                .label = label ? label->pValue : NULL,
                                .label_len = label ? label->ulValueLen : 0,
                                .id = id ? id->pValue : NULL,
                                .id_len = id ? id->ulValueLen : 0};
}

static int find(const struct token *token, P11KitUri *uri, struct object *ret_kek,
                struct p11_error *error)
{
    struct index_query query = query_of(uri, CKO_PRIVATE_KEY);
    char reason[REASON_MAX];
    const struct object *kek;
    size_t count = 0;
    if (p11_kit_uri_match_token_info(uri, &token->info))
        count = index_find(&token->index, &query, 0, &kek);
    if (count != 1)
        return p11_error_text(error, P11_KEY, "%s: %zu private keys are named by --unwrap-with",
                              token->name, count);
    if (kek->key_type != CKK_RSA)
        return p11_error_text(error, P11_KEY, "%s: the unwrapping key is not RSA", token->name);
    if (object_unfit_to_unwrap(kek, reason, sizeof reason))
        return p11_error_text(error, P11_KEY, "%s: the unwrapping key %s", token->name, reason);
    *ret_kek = *kek;
    return 0;
}

int unwrap_find(const struct token *token, const char *uri, struct object *ret_kek,
                struct p11_error *error)
{
    P11KitUri *parsed = p11_kit_uri_new();
    int r = parsed ? parse(uri, parsed, error) : p11_error_text(error, P11_MEMORY, "out of memory");
    if (r == 0)
        r = find(token, parsed, ret_kek, error);
    p11_kit_uri_free(parsed);
    return r;
}

int unwrap_check(const struct token *token, const struct object *kek, const struct wrapped *wrapped,
                 struct p11_error *error)
{
    _cleanup_kek_ struct kek public_half = {0};
    int r = kek_read_token(token, kek, &public_half, error);
    if (r < 0)
        return tokens_explain(token, error);
    if (strcmp(public_half.fingerprint, wrapped->fingerprint) == 0)
        return 0;
    return p11_error_text(error, P11_KEY,
                          "%s: the secret is wrapped for the key with fingerprint %.16s..., and "
                          "this is %.16s...",
                          token->name, wrapped->fingerprint, public_half.fingerprint);
}

/* --- unwrapping --- */

static struct newkey_wrapping with_rsa(const struct object *kek, CK_RSA_PKCS_OAEP_PARAMS *params,
                                       const unsigned char *data, size_t length)
{
    return (struct newkey_wrapping){
        .mechanism = {CKM_RSA_PKCS_OAEP, params, sizeof *params},
        .unwrap_with = kek->handle,
        .data = data,
        .length = length,
    };
}

static CK_MECHANISM_TYPE aes_key_wrap(const struct token *token)
{
    CK_MECHANISM_INFO info;
    CK_RV rv = token->module->fn->C_GetMechanismInfo(token->slot, AES_KEY_WRAP_KWP, &info);
    return rv == CKR_OK && info.flags & CKF_UNWRAP ? AES_KEY_WRAP_KWP : CKM_AES_KEY_WRAP_PAD;
}

static int unwrap_with_aes(struct token *token, const struct newkey_name *name,
                           CK_OBJECT_HANDLE transport, const struct wrapped *wrapped,
                           struct newkey *ret_newkey, struct p11_error *error)
{
    struct newkey_wrapping wrapping = {
        .mechanism = {aes_key_wrap(token), NULL, 0},
        .unwrap_with = transport,
        .data = wrapped->data,
        .length = wrapped->length,
    };
    return newkey_unwrap(token, name, wrapped->mech, &wrapping, wrapped->key_len, ret_newkey,
                         error);
}

int unwrap_run(struct token *token, const struct newkey_name *name, const struct object *kek,
               const struct wrapped *wrapped, struct newkey *ret_newkey, struct p11_error *error)
{
    CK_RSA_PKCS_OAEP_PARAMS params = wrapped->hash->params;
    CK_OBJECT_HANDLE transport;
    struct newkey_wrapping wrapping = with_rsa(kek, &params, wrapped->data, wrapped->length);
    if (wrapped->transport_len == 0)
        return newkey_unwrap(token, name, wrapped->mech, &wrapping, wrapped->key_len, ret_newkey,
                             error);
    wrapping = with_rsa(kek, &params, wrapped->transport, wrapped->transport_len);
    int r = newkey_transport(token, &wrapping, &transport, error);
    if (r < 0)
        return r;
    r = unwrap_with_aes(token, name, transport, wrapped, ret_newkey, error);
    /* It ends with the session at the latest. */
    (void)token->module->fn->C_DestroyObject(token->anchor, transport);
    return r;
}
