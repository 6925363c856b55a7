/* Reads the public half of a key from a token. */
#include "config.h"
#include "pkcs11/public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#define RSA_BITS_MIN 2048 /* RFC 7518 section 3.3 */
#define RSA_BITS_MAX 4096
#define EXPONENT_MAX 8   /* bytes */
#define POINT_MAX    140 /* P-521's point as an OCTET STRING has 136 */

/* A point is coordinates behind a 4 (SEC 1 section 2.3.3), or a bare string for Edwards curves. */
struct curve {
    const char *name; /* as JOSE and OpenSSL spell it */
    size_t point_len; /* bytes */
};

static const struct curve curves[] = {
    {"P-256", 65}, {"P-384", 97}, {"P-521", 133}, {"Ed25519", 32}};

static int read_attribute(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                          CK_ATTRIBUTE_TYPE type, unsigned char *buffer, size_t *length,
                          struct p11_error *error)
{
    CK_ATTRIBUTE attribute = {type, buffer, (CK_ULONG)*length};
    CK_RV rv = fn->C_GetAttributeValue(session, handle, &attribute, 1);
    if (rv != CKR_OK && p11_rv_rung(rv) != P11_RUNG_NONE)
        return p11_error_call(error, P11_UNAVAILABLE, "C_GetAttributeValue", rv);
    if (rv != CKR_OK || attribute.ulValueLen == 0 || attribute.ulValueLen > *length)
        return p11_error_text(error, P11_KEY, "does not tell its public half");
    *length = attribute.ulValueLen;
    return 0;
}

static int from_params(const struct crypto *crypto, const char *type, OSSL_PARAM_BLD *build,
                       EVP_PKEY **ret_key, struct p11_error *error)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(crypto->library, type, crypto->properties);
    bool good = params && context && EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    if (!good)
        return p11_error_text(error, P11_KEY, "has a public half that OpenSSL does not take");
    *ret_key = key;
    return 0;
}

static int check(const struct crypto *crypto, EVP_PKEY **key, struct p11_error *error)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto->library, *key, crypto->properties);
    bool good = context && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    if (good)
        return 0;
    EVP_PKEY_free(*key);
    *key = NULL;
    return p11_error_text(error, P11_KEY, "has a public half that is not valid");
}

static int build_rsa(const struct crypto *crypto, const BIGNUM *modulus, const BIGNUM *exponent,
                     EVP_PKEY **ret_key, struct p11_error *error)
{
    int bits = BN_num_bits(modulus);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return p11_error_text(error, P11_KEY, "has %d bits: RSA from %d to %d serves", bits,
                              RSA_BITS_MIN, RSA_BITS_MAX);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    int r = p11_error_text(error, P11_MEMORY, "out of memory");
    if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        r = from_params(crypto, "RSA", build, ret_key, error);
    OSSL_PARAM_BLD_free(build);
    return r;
}

static int read_rsa(const struct crypto *crypto, CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                    CK_OBJECT_HANDLE handle, EVP_PKEY **ret_key, struct p11_error *error)
{
    unsigned char modulus[RSA_BITS_MAX / 8 + 1], exponent[EXPONENT_MAX];
    size_t modulus_len = sizeof modulus, exponent_len = sizeof exponent;
    int r = read_attribute(fn, session, handle, CKA_MODULUS, modulus, &modulus_len, error);
    if (r == 0)
        r = read_attribute(fn, session, handle, CKA_PUBLIC_EXPONENT, exponent, &exponent_len,
                           error);
    if (r < 0)
        return r;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
    r = n && e ? build_rsa(crypto, n, e, ret_key, error)
               : p11_error_text(error, P11_MEMORY, "out of memory");
    BN_free(n);
    BN_free(e);
    return r;
}

/* Tokens give the point raw or as a DER OCTET STRING: the curve's exact length decides. Returns
 * where the raw one begins, or NULL. */
static const unsigned char *unwrap_point(const struct curve *curve, const unsigned char *value,
                                         size_t length)
{
    size_t header = curve->point_len < 128 ? 2 : 3;
    if (length == curve->point_len)
        return value;
    if (length != header + curve->point_len || value[0] != 0x04 ||
        value[header - 1] != curve->point_len || (header == 3 && value[1] != 0x81))
        return NULL;
    return value + header;
}

static int build_point(const struct crypto *crypto, const struct curve *curve,
                       const unsigned char *point, EVP_PKEY **ret_key, struct p11_error *error)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool edwards = curve->point_len == 32;
    int r = p11_error_text(error, P11_MEMORY, "out of memory");
    if (build &&
        (edwards ||
         OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, curve->point_len) ==
            1)
        r = from_params(crypto, edwards ? "ED25519" : "EC", build, ret_key, error);
    OSSL_PARAM_BLD_free(build);
    return r == 0 && !edwards ? check(crypto, ret_key, error) : r;
}

static int read_point(const struct crypto *crypto, CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                      CK_OBJECT_HANDLE handle, const struct mech *mech, EVP_PKEY **ret_key,
                      struct p11_error *error)
{
    const struct curve *curve = curves;
    while (strcmp(curve->name, mech->curve) != 0)
        curve++;
    unsigned char value[POINT_MAX];
    size_t length = sizeof value;
    int r = read_attribute(fn, session, handle, CKA_EC_POINT, value, &length, error);
    if (r < 0)
        return r;
    const unsigned char *point = unwrap_point(curve, value, length);
    if (!point)
        return p11_error_text(error, P11_KEY, "is not on the curve %s that %s needs", curve->name,
                              mech->algorithm);
    return build_point(crypto, curve, point, ret_key, error);
}

int public_read(const struct crypto *crypto, CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                const struct object *object, const struct mech *mech, EVP_PKEY **ret_key,
                struct p11_error *error)
{
    if (mech_is_rsa(mech))
        return read_rsa(crypto, fn, session, object->handle, ret_key, error);
    return read_point(crypto, fn, session, object->handle, mech, ret_key, error);
}
