/* A token inside the test that computes: keys, signatures, and keys unwrapped. */
#include "config.h"
#include "tests/unit/soft_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <string.h>

#define AES_KEY_WRAP_KWP 0x210bUL /* PKCS #11 v3.0 section 2.15 */
#define OBJECTS_MAX      64
#define VALUE_MAX        4096

struct soft_token soft;
CK_FUNCTION_LIST soft_functions;

static struct fake_object objects[OBJECTS_MAX];
static struct value {
    unsigned char bytes[VALUE_MAX];
    CK_ULONG length; /* 0: a private key, all of which are the pair */
} values[OBJECTS_MAX];
static CK_SESSION_HANDLE owners[OBJECTS_MAX]; /* 0: the object is destroyed */
static EVP_PKEY *pair;
static unsigned signatures;
static CK_MECHANISM_TYPE mechanism_now;
static CK_OBJECT_HANDLE key_now;

/* --- objects --- */

static void take(struct fake_object *object, struct value *value, const CK_ATTRIBUTE *attribute)
{
    if (attribute->type == CKA_VALUE) {
        memcpy(value->bytes, attribute->pValue, attribute->ulValueLen);
        value->length = attribute->ulValueLen;
    } else {
        soft.stays |= attribute->type == CKA_TOKEN && *(const CK_BBOOL *)attribute->pValue;
        fake_set(object, attribute->type, attribute->pValue, attribute->ulValueLen);
    }
}

static bool knows(const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (attributes[i].type == CKA_KEY_TYPE &&
            *(const CK_KEY_TYPE *)attributes[i].pValue == soft.does_not_know)
            return false;
    return true;
}

static CK_OBJECT_HANDLE add(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *attributes,
                            CK_ULONG count)
{
    struct fake_object *object = &objects[fake.object_count];
    struct value *value = &values[fake.object_count];
    *object = (struct fake_object){.count = 0};
    *value = (struct value){.length = 0};
    for (CK_ULONG i = 0; i < count; i++)
        take(object, value, &attributes[i]);
    fake_set_flag(object, CKA_LOCAL, CK_FALSE);
    fake_set_flag(object, CKA_ALWAYS_SENSITIVE, CK_FALSE);
    fake_set_flag(object, CKA_NEVER_EXTRACTABLE, CK_FALSE);
    if (soft.weakens != SOFT_NONE)
        fake_set_flag(object, soft.weakens, CK_TRUE);
    soft.objects++;
    owners[fake.object_count] = session;
    return ++fake.object_count;
}

static void set_value(CK_OBJECT_HANDLE handle, const unsigned char *bytes, size_t length)
{
    struct value *value = &values[handle - 1];
    memcpy(value->bytes, bytes, length);
    value->length = length;
    fake_set_ulong(&objects[handle - 1], CKA_VALUE_LEN, length);
}

static CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
                           CK_OBJECT_HANDLE *handle)
{
    if (!knows(attributes, count))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *handle = add(session, attributes, count);
    fake_set_ulong(&objects[*handle - 1], CKA_VALUE_LEN, values[*handle - 1].length);
    return CKR_OK;
}

static CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle)
{
    (void)session;
    if (soft.destroy != CKR_OK)
        return soft.destroy;
    owners[handle - 1] = 0;
    soft.objects--;
    return CKR_OK;
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                                 CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    if (soft.readable && count == 1 && attributes[0].type == CKA_VALUE) {
        attributes[0].ulValueLen = 1;
        return CKR_OK;
    }
    return fake_functions.C_GetAttributeValue(session, handle, attributes, count);
}

/* --- pairs --- */

static void set_number(CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type, const char *name)
{
    unsigned char bytes[FAKE_BYTES_MAX];
    BIGNUM *number = NULL;
    EVP_PKEY_get_bn_param(pair, name, &number);
    fake_set(&objects[handle - 1], type, bytes, (CK_ULONG)BN_bn2bin(number, bytes));
    BN_free(number);
}

static CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_ATTRIBUTE *public, CK_ULONG public_count, CK_ATTRIBUTE *private,
                               CK_ULONG private_count, CK_OBJECT_HANDLE *public_handle,
                               CK_OBJECT_HANDLE *private_handle)
{
    if (mechanism->mechanism != CKM_RSA_PKCS_KEY_PAIR_GEN)
        return CKR_MECHANISM_INVALID;
    CK_ATTRIBUTE_TYPE weakens = soft.weakens;
    soft.weakens = SOFT_NONE;
    *public_handle = add(session, public, public_count);
    soft.weakens = weakens;
    *private_handle = add(session, private, private_count);
    set_number(*public_handle, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N);
    set_number(*public_handle, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E);
    set_number(*private_handle, CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N);
    set_number(*private_handle, CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E);
    return CKR_OK;
}

/* --- signatures --- */

static const EVP_MD *hash_of(CK_MECHANISM_TYPE mechanism)
{
    switch (mechanism) {
    case CKM_SHA256_HMAC:
    case CKM_SHA256_RSA_PKCS:
    case CKM_SHA256:
        return EVP_sha256();
    case CKM_SHA384_HMAC:
        return EVP_sha384();
    case CKM_SHA512_HMAC:
        return EVP_sha512();
    case CKM_SHA_1:
        return EVP_sha1();
    default:
        return NULL;
    }
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    mechanism_now = mechanism->mechanism;
    key_now = key;
    bool known = hash_of(mechanism_now) || mechanism_now == CKM_RSA_PKCS;
    return known && mechanism_now != soft.refuses ? CKR_OK : CKR_MECHANISM_INVALID;
}

static void sign_rsa(const unsigned char *data, CK_ULONG length, unsigned char *signature,
                     CK_ULONG *signature_len)
{
    const EVP_MD *hash = hash_of(mechanism_now);
    size_t size = *signature_len;
    if (hash) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, NULL, hash, NULL, pair);
        EVP_DigestSign(context, signature, &size, data, length);
        EVP_MD_CTX_free(context);
    } else {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
        EVP_PKEY_sign_init(context);
        EVP_PKEY_sign(context, signature, &size, data, length);
        EVP_PKEY_CTX_free(context);
    }
    *signature_len = size;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
                  CK_ULONG *signature_len)
{
    const struct value *value = &values[key_now - 1];
    unsigned mac_len = 0;
    (void)session;
    if (value->length) {
        HMAC(hash_of(mechanism_now), value->bytes, (int)value->length, data, length, signature,
             &mac_len);
        *signature_len = mac_len;
    } else {
        sign_rsa(data, length, signature, signature_len);
    }
    if (++signatures == soft.wrong_at)
        signature[*signature_len - 1] ^= 1;
    *signature_len -= soft.too_short;
    return CKR_OK;
}

/* --- unwrapping --- */

static size_t unwrap_rsa(const CK_MECHANISM *mechanism, const unsigned char *data, CK_ULONG length,
                         unsigned char *plain)
{
    const CK_RSA_PKCS_OAEP_PARAMS *params = mechanism->pParameter;
    size_t size = VALUE_MAX;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    EVP_PKEY_decrypt_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, hash_of(params->hashAlg));
    EVP_PKEY_CTX_set_rsa_mgf1_md(context, params->mgf == CKG_MGF1_SHA1 ? EVP_sha1() : EVP_sha256());
    if (params->hashAlg == soft.hash || EVP_PKEY_decrypt(context, plain, &size, data, length) != 1)
        size = 0;
    EVP_PKEY_CTX_free(context);
    return size;
}

static size_t unwrap_aes(CK_OBJECT_HANDLE key, const unsigned char *data, CK_ULONG length,
                         unsigned char *plain)
{
    int size = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    EVP_DecryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, values[key - 1].bytes, NULL);
    if (EVP_DecryptUpdate(context, plain, &size, data, (int)length) != 1)
        size = 0;
    EVP_CIPHER_CTX_free(context);
    return (size_t)size;
}

static CK_RV unwrap_key(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                        CK_BYTE *wrapped, CK_ULONG length, CK_ATTRIBUTE *attributes, CK_ULONG count,
                        CK_OBJECT_HANDLE *handle)
{
    unsigned char plain[VALUE_MAX + 16];
    if (mechanism->mechanism == soft.refuses ||
        (mechanism->mechanism != CKM_RSA_PKCS_OAEP &&
         mechanism->mechanism != (soft.renamed ? AES_KEY_WRAP_KWP : CKM_AES_KEY_WRAP_PAD)))
        return CKR_MECHANISM_INVALID;
    size_t size = mechanism->mechanism == CKM_RSA_PKCS_OAEP
                      ? unwrap_rsa(mechanism, wrapped, length, plain)
                      : unwrap_aes(key, wrapped, length, plain);
    if (size == 0)
        return CKR_ARGUMENTS_BAD;
    plain[0] ^= soft.mixes_up && size > 32; /* an AES key stays as it is */
    *handle = add(session, attributes, count);
    set_value(*handle, plain, size);
    return CKR_OK;
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism,
                                CK_MECHANISM_INFO *info)
{
    (void)slot;
    if (!soft.renamed || mechanism != AES_KEY_WRAP_KWP)
        return CKR_MECHANISM_INVALID;
    *info = (CK_MECHANISM_INFO){.flags = CKF_UNWRAP};
    return CKR_OK;
}

/* --- sessions --- */

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    if (soft.sessions_max && fake.open_sessions == soft.sessions_max)
        return CKR_SESSION_COUNT;
    return fake_functions.C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    if (soft.close != CKR_OK)
        return soft.close;
    for (CK_ULONG i = 0; i < fake.object_count; i++) {
        soft.objects -= owners[i] == session;
        owners[i] = owners[i] == session ? 0 : owners[i];
    }
    return fake_functions.C_CloseSession(session);
}

void soft_reset(void)
{
    fake_reset();
    fake.objects = objects;
    soft = (struct soft_token){
        .refuses = SOFT_NONE, .hash = SOFT_NONE, .weakens = SOFT_NONE, .does_not_know = SOFT_NONE};
    signatures = 0;
    if (!pair)
        pair = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    soft_functions = fake_functions;
    soft_functions.C_CreateObject = create_object;
    soft_functions.C_DestroyObject = destroy_object;
    soft_functions.C_GetAttributeValue = get_attribute_value;
    soft_functions.C_GenerateKeyPair = generate_key_pair;
    soft_functions.C_SignInit = sign_init;
    soft_functions.C_Sign = sign;
    soft_functions.C_UnwrapKey = unwrap_key;
    soft_functions.C_GetMechanismInfo = get_mechanism_info;
    soft_functions.C_OpenSession = open_session;
    soft_functions.C_CloseSession = close_session;
}

void soft_end(void)
{
    EVP_PKEY_free(pair);
    pair = NULL;
}
