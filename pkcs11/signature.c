/* C_SignInit and C_Sign: the only place that calls them. */
#include "config.h"
#include "pkcs11/signature.h"

#include <string.h>

#define LONGEST_SIGNATURE 2048 /* bytes; RSA 16384, more than any token has */

/* A token may bound the length of data. A hash is always of its form: there it is the key. */
static int call_error(const struct signing *signing, struct p11_error *error, const char *call,
                      CK_RV rv)
{
    int code = p11_rv_rung(rv) != P11_RUNG_NONE ? P11_UNAVAILABLE : P11_FAILED;
    if (rv == CKR_KEY_SIZE_RANGE || rv == CKR_KEY_TYPE_INCONSISTENT ||
        rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_MECHANISM_INVALID ||
        rv == CKR_BUFFER_TOO_SMALL)
        code = P11_KEY;
    else if (rv == CKR_DATA_INVALID || rv == CKR_DATA_LEN_RANGE)
        code = signing->prehashed ? P11_KEY : P11_DATA;
    return p11_error_call(error, code, call, rv);
}

/* What C_Sign is given: the data itself, or its hash in the form that the mechanism takes. */
struct input {
    const void *data;
    size_t length;
    unsigned char hash[MECH_DIGEST_INFO_LEN + CRYPTO_DIGEST_MAX];
};

static int prepare(const struct signing *signing, const void *data, size_t length,
                   struct input *ret_input, struct p11_error *error)
{
    const struct mech_hash *hash = mech_hash_at(signing->mech->digest);
    size_t prefix = signing->mech->family == MECH_RSA_PKCS1 ? MECH_DIGEST_INFO_LEN : 0;
    ret_input->data = data;
    ret_input->length = length;
    if (!signing->prehashed)
        return 0;
    memcpy(ret_input->hash, hash->digest_info, prefix);
    if (signing->hashed && length != hash->length)
        return p11_error_text(error, P11_FAILED, "%zu bytes are no hash of %s", length,
                              signing->mech->algorithm);
    if (signing->hashed)
        memcpy(ret_input->hash + prefix, data, length);
    else if (!crypto_digest(signing->crypto, signing->mech, data, length, ret_input->hash + prefix))
        return p11_error_text(error, P11_FAILED, "OpenSSL cannot hash");
    ret_input->data = ret_input->hash;
    ret_input->length = prefix + hash->length;
    return 0;
}

/* A signature that is too long for us leaves the operation under way (PKCS #11 section 5.2), and
 * the session unfit for the next one. */
static void end_operation(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session,
                          const struct input *input)
{
    CK_BYTE signature[LONGEST_SIGNATURE];
    CK_ULONG signature_len = sizeof signature;
    fn->C_Sign(session, (CK_BYTE_PTR)input->data, input->length, signature, &signature_len);
}

int signature_make(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                   const struct signing *signing, const void *data, size_t length,
                   unsigned char signature[static MECH_SIGNATURE_MAX], size_t *ret_length,
                   struct p11_error *error)
{
    const struct mech *mech = signing->mech;
    const struct mech_hash *hash = mech_hash_at(mech->digest);
    CK_RSA_PKCS_PSS_PARAMS pss = {hash->mechanism, hash->mgf, hash->length};
    CK_MECHANISM mechanism = {signing->prehashed ? mech->prehashed : mech->mechanism, NULL, 0};
    if (mech->family == MECH_RSA_PSS) {
        mechanism.pParameter = &pss;
        mechanism.ulParameterLen = sizeof pss;
    }
    struct input input;
    int r = prepare(signing, data, length, &input, error);
    if (r < 0)
        return r;
    CK_RV rv = fn->C_SignInit(session, &mechanism, handle);
    if (rv != CKR_OK)
        return call_error(signing, error, "C_SignInit", rv);
    CK_ULONG signature_len = MECH_SIGNATURE_MAX;
    rv = fn->C_Sign(session, (CK_BYTE_PTR)input.data, input.length, signature, &signature_len);
    if (rv == CKR_BUFFER_TOO_SMALL)
        end_operation(fn, session, &input);
    if (rv != CKR_OK)
        return call_error(signing, error, "C_Sign", rv);
    if (signature_len > MECH_SIGNATURE_MAX ||
        (mech->signature_len && signature_len != mech->signature_len))
        return p11_error_text(error, P11_FAILED, "C_Sign gave %lu bytes where %s has %zu",
                              (unsigned long)signature_len, mech->algorithm, mech->signature_len);
    *ret_length = signature_len;
    return 0;
}
