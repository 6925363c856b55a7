/* hintsign-key kcv: the check value of a client secret, to be compared with that of a key on a
 * token. */
#include "config.h"
#include "pkcs11/key/kcv.h"
#include "pkcs11/examine.h"
#include "pkcs11/key/entry.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

static void write_value(const struct mech *mech, const unsigned char *answer,
                        char ret_kcv[static KCV_MAX])
{
    int length = snprintf(ret_kcv, KCV_MAX, "%s:", mech->algorithm);
    for (size_t i = 0; i < KCV_BYTES; i++)
        length += snprintf(ret_kcv + length, KCV_MAX - (size_t)length, "%02x", answer[i]);
}

/* In a library context of our own: modules such as SoftHSM use the default one. */
int kcv_of_key(const struct secret *key, const struct mech *mech, char ret_kcv[static KCV_MAX],
               struct p11_error *error)
{
    unsigned char answer[EVP_MAX_MD_SIZE];
    size_t length = 0;
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    bool done =
        context && EVP_Q_mac(context, "HMAC", NULL, mech_hash_at(mech->digest)->name, NULL,
                             key->data, key->length, (const unsigned char *)EXAMINE_QUESTION,
                             sizeof EXAMINE_QUESTION - 1, answer, sizeof answer, &length);
    OSSL_LIB_CTX_free(context);
    if (done)
        write_value(mech, answer, ret_kcv);
    OPENSSL_cleanse(answer, sizeof answer);
    return done ? 0 : p11_error_text(error, P11_FAILED, "OpenSSL does not offer HMAC");
}

static bool serves(const struct object *object, const struct mech *mech)
{
    return mech->family == MECH_HMAC && object->object_class == mech->object_class &&
           (object->key_type == mech->key_types[0] || object->key_type == mech->key_types[1]);
}

void kcv_of_object(const struct token *token, const struct object *object, const struct mech *mech,
                   char ret_kcv[static KCV_MAX])
{
    unsigned char answer[MECH_SIGNATURE_MAX];
    size_t length;
    struct p11_error error;
    for (size_t i = 0; mech && !serves(object, mech); i++)
        mech = mech_at(i);
    struct signing signing = {.mech = mech};
    ret_kcv[0] = '\0';
    if (mech &&
        signature_make(token->module->fn, token->anchor, object->handle, &signing, EXAMINE_QUESTION,
                       sizeof EXAMINE_QUESTION - 1, answer, &length, &error) == 0)
        write_value(mech, answer, ret_kcv);
}

int kcv_run(const struct options *options, struct p11_error *error)
{
    _cleanup_secret_ struct secret key = {0};
    char kcv[KCV_MAX];
    int r = entry_key(options, &key, error);
    if (r == 0)
        r = kcv_of_key(&key, options->mech, kcv, error);
    guard_wipe_stack();
    if (r == 0)
        puts(kcv);
    return r;
}
