/* OSSL_OP_ENCODER: writes the public half, as SubjectPublicKeyInfo (RFC 5280) or for people. */
#include "config.h"
#include "client/provider/key.h"
#include "client/provider/operations.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static void *new_encoder(void *provctx)
{
    return provctx;
}

static void free_encoder(void *context)
{
    (void)context;
}

static int selects_public(void *provctx, int selection)
{
    (void)provctx;
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) &&
           !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY);
}

static int selects_any(void *provctx, int selection)
{
    (void)provctx;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
}

static int write_der(BIO *out, const struct key *key, int selection)
{
    (void)selection;
    return i2d_PUBKEY_bio(out, key->public_key) == 1;
}

static int write_pem(BIO *out, const struct key *key, int selection)
{
    (void)selection;
    return PEM_write_bio_PUBKEY(out, key->public_key) == 1;
}

/* Of the other half there is nothing to show but where it is. */
static int write_text(BIO *out, const struct key *key, int selection)
{
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY && key->profile &&
        BIO_printf(out, "Private-Key: profile %s of hintsign-agent\n", key->profile) <= 0)
        return 0;
    return EVP_PKEY_print_public(out, key->public_key, 0, NULL) == 1;
}

static int encode(const struct provider *provider, OSSL_CORE_BIO *core_bio, const struct key *key,
                  int selection, int (*write)(BIO *out, const struct key *key, int selection))
{
    if (!key || !key->public_key)
        return 0;
    BIO *out = BIO_new_from_core_bio(provider->library, core_bio);
    int good = out && write(out, key, selection);
    BIO_free(out);
    return good;
}

/* There are no abstract objects, and nothing is encrypted. */
#define ENCODER(what)                                                                              \
    static int encode_##what(void *context, OSSL_CORE_BIO *out, const void *key,                   \
                             const OSSL_PARAM abstract[], int selection,                           \
                             OSSL_PASSPHRASE_CALLBACK *ask, void *argument)                        \
    {                                                                                              \
        (void)ask, (void)argument;                                                                 \
        return !abstract && encode(context, out, key, selection, write_##what);                    \
    }

ENCODER(der)
ENCODER(pem)
ENCODER(text)

#define FUNCTIONS(selects, encodes)                                                                \
    {                                                                                              \
        {OSSL_FUNC_ENCODER_NEWCTX, (void (*)(void))new_encoder},                                   \
            {OSSL_FUNC_ENCODER_FREECTX, (void (*)(void))free_encoder},                             \
            {OSSL_FUNC_ENCODER_DOES_SELECTION, (void (*)(void))selects},                           \
            {OSSL_FUNC_ENCODER_ENCODE, (void (*)(void))encodes}, {0, NULL},                        \
    }

static const OSSL_DISPATCH der_functions[] = FUNCTIONS(selects_public, encode_der);
static const OSSL_DISPATCH pem_functions[] = FUNCTIONS(selects_public, encode_pem);
static const OSSL_DISPATCH text_functions[] = FUNCTIONS(selects_any, encode_text);

#define ROWS(names)                                                                                \
    {names, CORE_OURS ",output=der,structure=SubjectPublicKeyInfo", der_functions, "DER"},         \
        {names, CORE_OURS ",output=pem,structure=SubjectPublicKeyInfo", pem_functions, "PEM"},     \
    {                                                                                              \
        names, CORE_OURS ",output=text", text_functions, "text"                                    \
    }

const OSSL_ALGORITHM encoder_algorithms[] = {
    ROWS("RSA:rsaEncryption:1.2.840.113549.1.1.1"),
    ROWS("EC:id-ecPublicKey:1.2.840.10045.2.1"),
    ROWS("ED25519:1.3.101.112"),
    {NULL, NULL, NULL, NULL},
};
