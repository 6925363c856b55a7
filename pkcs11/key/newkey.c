/* Makes keys on a token, and does not trust it: what was made is read back. */
#include "config.h"
#include "pkcs11/key/newkey.h"
#include "pkcs11/key/template.h"
#include "pkcs11/key/tokens.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define REASON_MAX 128

int newkey_name(const char *label, const unsigned char *id, size_t id_len,
                struct newkey_name *ret_name, struct p11_error *error)
{
    struct newkey_name name = {.label = label, .id_len = id_len ? id_len : NEWKEY_ID_LEN};
    if (id_len)
        memcpy(name.id, id, id_len);
    else if (getrandom(name.id, NEWKEY_ID_LEN, 0) != NEWKEY_ID_LEN)
        return p11_error_text(error, P11_FAILED, "the system gives no random bytes");
    *ret_name = name;
    return 0;
}

static bool is_taken(const struct token *token, struct index_query query)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    const struct object *found;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        query.object_class = classes[i];
        if (index_find(&token->index, &query, 0, &found) > 0)
            return true;
    }
    return false;
}

int newkey_name_is_free(const struct token *token, const struct newkey_name *name,
                        struct p11_error *error)
{
    if (is_taken(token,
                 (struct index_query){.label = name->label, .label_len = strlen(name->label)}))
        return p11_error_text(error, P11_KEY,
                              "%s: there is a key with this label already: choose another label, "
                              "or delete that key first",
                              token->name);
    if (is_taken(token, (struct index_query){.id = name->id, .id_len = name->id_len}))
        return p11_error_text(error, P11_KEY, "%s: there is a key with this id already",
                              token->name);
    return 0;
}

static void add_name(struct template *template, CK_OBJECT_CLASS object_class,
                     const CK_KEY_TYPE *key_type, const struct newkey_name *name)
{
    template_begin(template, object_class);
    template_add(template, CKA_KEY_TYPE, key_type, sizeof *key_type);
    template_add(template, CKA_LABEL, name->label, strlen(name->label));
    template_add(template, CKA_ID, name->id, name->id_len);
}

static void finish(struct template *template, enum template_use use, const struct newkey_name *name)
{
    template_finish(template, use);
    if (name->session)
        template_for_session(template);
}

/* One of the calls that make a secret key; `how` is its own. */
typedef CK_RV make_secret(const struct token *token, const void *how, CK_ATTRIBUTE *attributes,
                          CK_ULONG count, CK_OBJECT_HANDLE *ret_handle);

static CK_RV create(const struct token *token, const void *how, CK_ATTRIBUTE *attributes,
                    CK_ULONG count, CK_OBJECT_HANDLE *ret_handle)
{
    (void)how; /* the value is among the attributes */
    return token->module->fn->C_CreateObject(token->anchor, attributes, count, ret_handle);
}

static CK_RV generate(const struct token *token, const void *how, CK_ATTRIBUTE *attributes,
                      CK_ULONG count, CK_OBJECT_HANDLE *ret_handle)
{
    CK_MECHANISM mechanism = *(const CK_MECHANISM *)how;
    return token->module->fn->C_GenerateKey(token->anchor, &mechanism, attributes, count,
                                            ret_handle);
}

static CK_RV unwrap_in(const struct token *token, CK_SESSION_HANDLE session,
                       const struct newkey_wrapping *wrapping, CK_ATTRIBUTE *attributes,
                       CK_ULONG count, CK_OBJECT_HANDLE *ret_handle)
{
    CK_MECHANISM mechanism = wrapping->mechanism;
    return token->module->fn->C_UnwrapKey(session, &mechanism, wrapping->unwrap_with,
                                          (CK_BYTE *)wrapping->data, wrapping->length, attributes,
                                          count, ret_handle);
}

static CK_RV unwrap(const struct token *token, const void *how, CK_ATTRIBUTE *attributes,
                    CK_ULONG count, CK_OBJECT_HANDLE *ret_handle)
{
    return unwrap_in(token, token->anchor, how, attributes, count, ret_handle);
}

static CK_RV ask_for_secret(const struct token *token, make_secret *make, const void *how,
                            const struct template *full, CK_OBJECT_HANDLE *ret_handle)
{
    CK_RV rv = CKR_OK;
    for (unsigned i = 0; i < template_attempts(full->optional); i++) {
        struct template asked = template_without(full, template_left_out(full->optional, i));
        rv = make(token, how, asked.attributes, asked.count, ret_handle);
        if (!template_refused(rv))
            break;
    }
    return rv;
}

static CK_RV rehearse_in(const struct token *token, CK_SESSION_HANDLE session,
                         const struct newkey_wrapping *wrapping, struct template *full)
{
    CK_RV rv = CKR_OK;
    for (unsigned i = 0; i < template_attempts(full->optional); i++) {
        struct template asked = template_without(full, template_left_out(full->optional, i));
        struct template passing = asked;
        CK_OBJECT_HANDLE handle;
        template_for_session(&passing);
        rv = unwrap_in(token, session, wrapping, passing.attributes, passing.count, &handle);
        if (rv == CKR_OK)
            *full = asked;
        if (!template_refused(rv))
            break;
    }
    return rv;
}

/* SoftHSM leaves half a key behind when it refuses an attribute of one that is unwrapped. So what
 * the token takes is found out in a session of its own, which ends with all that it has made.
 * *full is what was taken then. */
static CK_RV rehearse(const struct token *token, const struct newkey_wrapping *wrapping,
                      struct template *full)
{
    CK_FUNCTION_LIST *fn = token->module->fn;
    CK_SESSION_HANDLE session;
    CK_RV rv = fn->C_OpenSession(token->slot, token->sessions.flags, NULL, NULL, &session);
    if (rv == CKR_SESSION_COUNT)
        return CKR_OK; /* without */
    if (rv != CKR_OK)
        return rv;
    rv = rehearse_in(token, session, wrapping, full);
    fn->C_CloseSession(session);
    return rv;
}

static CK_RV generate_pair(const struct token *token, CK_MECHANISM *mechanism,
                           const struct template *full_public, const struct template *full_private,
                           CK_OBJECT_HANDLE *public_half, CK_OBJECT_HANDLE *private_half)
{
    unsigned optional = full_public->optional + full_private->optional, i = 0;
    CK_RV rv = CKR_OK;
    while (i < template_attempts(optional)) {
        uint32_t left_out = template_left_out(optional, i);
        struct template public = template_without(full_public, left_out);
        struct template private = template_without(full_private, left_out >> full_public->optional);
        rv = token->module->fn->C_GenerateKeyPair(token->anchor, mechanism, public.attributes,
                                                  public.count, private.attributes, private.count,
                                                  public_half, private_half);
        /* All that tpm2-pkcs11 says of CKA_VERIFY and CKA_ENCRYPT in a public template. It has made
         * a pair by then, so it is asked once more, without both, and not for each. */
        if (rv == CKR_GENERAL_ERROR && i == 0)
            i = template_attempt_without_two(optional);
        else if (template_refused(rv))
            i++;
        else
            break;
    }
    return rv;
}

/* Tries to read what must stay inside: the value of a secret or EC key, the primes of RSA. */
static bool is_readable(const struct newkey *newkey)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                              CKA_PRIME_2};
    const struct token *token = newkey->token;
    _cleanup_secret_ struct secret value = {0};
    if (secret_reserve(&value, SECRET_MAX) < 0)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CK_ATTRIBUTE attribute = {types[i], value.data, (CK_ULONG)value.length};
        CK_RV rv = token->module->fn->C_GetAttributeValue(token->anchor, newkey->object.handle,
                                                          &attribute, 1);
        if (rv == CKR_OK && attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION)
            return true;
    }
    return false;
}

/* Whether the token tells another length than was asked for. Of a key of its hash's type some, such
 * as the YubiHSM 2, always tell the length of the hash. */
static bool is_other_length(const struct object *object, CK_ULONG asked)
{
    if (!asked || !object->value_len || object->value_len == asked)
        return false;
    for (size_t i = 0; mech_at(i); i++)
        if (mech_at(i)->family == MECH_HMAC && mech_at(i)->key_types[1] == object->key_type)
            return object->value_len != mech_at(i)->key_min;
    return true;
}

static bool is_bad(const struct newkey *newkey, CK_ULONG value_len, char *reason,
                   size_t reason_size)
{
    const struct object *object = &newkey->object;
    if (newkey->use == TEMPLATE_UNWRAP ? object_unfit_to_unwrap(object, reason, reason_size)
                                       : object_unfit(object, reason, reason_size))
        return true;
    const char *wrong = NULL;
    if (is_readable(newkey))
        wrong = "lets its value be read";
    else if (is_other_length(object, value_len))
        wrong = "has another length than was asked for";
    if (wrong)
        snprintf(reason, reason_size, "%s", wrong);
    return wrong;
}

int newkey_destroy(const struct newkey *newkey, struct p11_error *error)
{
    const CK_OBJECT_HANDLE handles[] = {newkey->object.handle, newkey->public_half};
    const struct token *token = newkey->token;
    CK_RV failed = CKR_OK;
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        if (handles[i] == CK_INVALID_HANDLE)
            continue;
        CK_RV rv = token->module->fn->C_DestroyObject(token->anchor, handles[i]);
        if (rv != CKR_OK)
            failed = rv;
    }
    return failed == CKR_OK ? 0 : p11_error_call(error, P11_FAILED, "C_DestroyObject", failed);
}

/* Reads the key back into newkey->object. One that is not as asked for is destroyed again.
 * value_len is that of a secret in bytes, or 0. */
static int check(struct newkey *newkey, CK_ULONG value_len, struct p11_error *error)
{
    const struct token *token = newkey->token;
    char reason[REASON_MAX] = "cannot be read back";
    int r = object_read(token->module->fn, token->anchor, newkey->object.handle, &newkey->object,
                        error);
    if (r == 0 && !is_bad(newkey, value_len, reason, sizeof reason))
        return 0;
    struct p11_error undo;
    bool left = newkey_destroy(newkey, &undo) < 0;
    return p11_error_text(error, P11_KEY, "%s: the new key %s; it was %s", token->name, reason,
                          left ? "NOT removed again: delete it" : "removed again");
}

static int fail(const struct token *token, const char *call, CK_RV rv, struct p11_error *error)
{
    int code = p11_rv_rung(rv) == P11_RUNG_NONE ? P11_FAILED : P11_UNAVAILABLE;
    p11_error_call(error, code, call, rv);
    return tokens_explain(token, error);
}

/* From a value, or, where that is NULL, wrapped. */
static CK_RV make_hmac(struct newkey *newkey, const struct newkey_name *name,
                       const struct mech *mech, const struct secret *value,
                       const struct newkey_wrapping *wrapping)
{
    CK_RV rv = CKR_OK;
    /* A generic secret serves every algorithm; some tokens want to know the hash. */
    for (size_t i = 0; i < 2; i++) {
        struct template template;
        add_name(&template, CKO_SECRET_KEY, &mech->key_types[i], name);
        if (value)
            template_add(&template, CKA_VALUE, value->data, value->length);
        finish(&template, newkey->use, name);
        rv = value ? CKR_OK : rehearse(newkey->token, wrapping, &template);
        if (rv == CKR_OK)
            rv = ask_for_secret(newkey->token, value ? create : unwrap, wrapping, &template,
                                &newkey->object.handle);
        if (!template_refused(rv))
            break;
    }
    return rv;
}

int newkey_import(struct token *token, const struct newkey_name *name, const struct mech *mech,
                  const struct secret *key, struct newkey *ret_newkey, struct p11_error *error)
{
    struct newkey newkey = {.token = token, .use = TEMPLATE_SIGN};
    CK_RV rv = make_hmac(&newkey, name, mech, key, NULL);
    if (rv != CKR_OK)
        return fail(token, "C_CreateObject", rv, error);
    int r = check(&newkey, (CK_ULONG)key->length, error);
    if (r == 0)
        *ret_newkey = newkey;
    return r;
}

int newkey_unwrap(struct token *token, const struct newkey_name *name, const struct mech *mech,
                  const struct newkey_wrapping *wrapping, size_t key_len, struct newkey *ret_newkey,
                  struct p11_error *error)
{
    struct newkey newkey = {.token = token, .use = TEMPLATE_SIGN};
    CK_RV rv = make_hmac(&newkey, name, mech, NULL, wrapping);
    if (rv != CKR_OK)
        return fail(token, "C_UnwrapKey", rv, error);
    int r = check(&newkey, (CK_ULONG)key_len, error);
    if (r == 0)
        *ret_newkey = newkey;
    return r;
}

int newkey_transport(const struct token *token, const struct newkey_wrapping *wrapping,
                     CK_OBJECT_HANDLE *ret_handle, struct p11_error *error)
{
    static const CK_KEY_TYPE aes = CKK_AES;
    struct template template;
    template_begin(&template, CKO_SECRET_KEY);
    template_add(&template, CKA_KEY_TYPE, &aes, sizeof aes);
    template_finish(&template, TEMPLATE_UNWRAP);
    template_for_session(&template);
    CK_RV rv = ask_for_secret(token, unwrap, wrapping, &template, ret_handle);
    return rv == CKR_OK ? 0 : fail(token, "C_UnwrapKey", rv, error);
}

static int generate_hmac(struct newkey *newkey, const struct newkey_name *name,
                         const struct keyspec *keyspec, struct p11_error *error)
{
    struct template template;
    add_name(&template, CKO_SECRET_KEY, &keyspec->key_type, name);
    template_add(&template, CKA_VALUE_LEN, &keyspec->size, sizeof keyspec->size);
    finish(&template, keyspec->use, name);
    CK_MECHANISM mechanism = {keyspec->mechanism, NULL, 0};
    CK_RV rv =
        ask_for_secret(newkey->token, generate, &mechanism, &template, &newkey->object.handle);
    if (rv != CKR_OK)
        return fail(newkey->token, "C_GenerateKey", rv, error);
    return check(newkey, keyspec->size, error);
}

/* `params` is the curve, or NULL for RSA. */
static CK_RV try_pair(struct newkey *newkey, const struct newkey_name *name,
                      const struct keyspec *keyspec, const struct keyspec_params *params)
{
    static const unsigned char exponent[] = {0x01, 0x00, 0x01};
    struct template public, private;
    add_name(&public, CKO_PUBLIC_KEY, &keyspec->key_type, name);
    add_name(&private, CKO_PRIVATE_KEY, &keyspec->key_type, name);
    if (params) {
        template_add(&public, CKA_EC_PARAMS, params->data, params->length);
    } else {
        template_add(&public, CKA_MODULUS_BITS, &keyspec->size, sizeof keyspec->size);
        template_add(&public, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);
    }
    finish(&public, keyspec->use, name);
    finish(&private, keyspec->use, name);
    CK_MECHANISM mechanism = {keyspec->mechanism, NULL, 0};
    return generate_pair(newkey->token, &mechanism, &public, &private, &newkey->public_half,
                         &newkey->object.handle);
}

static int generate_asymmetric(struct newkey *newkey, const struct newkey_name *name,
                               const struct keyspec *keyspec, struct p11_error *error)
{
    const struct keyspec_params *params = keyspec->params[0].data ? keyspec->params : NULL;
    CK_RV rv = try_pair(newkey, name, keyspec, params);
    if (rv != CKR_OK && params && params[1].data)
        rv = try_pair(newkey, name, keyspec, &params[1]);
    if (rv != CKR_OK)
        return fail(newkey->token, "C_GenerateKeyPair", rv, error);
    return check(newkey, 0, error);
}

int newkey_generate(struct token *token, const struct newkey_name *name,
                    const struct keyspec *keyspec, struct newkey *ret_newkey,
                    struct p11_error *error)
{
    struct newkey newkey = {.token = token, .use = keyspec->use};
    int r = keyspec->object_class == CKO_SECRET_KEY
                ? generate_hmac(&newkey, name, keyspec, error)
                : generate_asymmetric(&newkey, name, keyspec, error);
    if (r == 0)
        *ret_newkey = newkey;
    return r;
}
