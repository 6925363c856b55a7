/* Has a key sign, checks what it gives, and measures how long it takes. */
#include "config.h"
#include "pkcs11/key/signer.h"
#include "pkcs11/signature.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define SIGN_NS  20000000 /* how long an algorithm is measured ... */
#define SIGN_MAX 200      /* ... at most, in signatures */

static const char message[] = "a message of hintsign-key probe";

static bool is_right(const struct trial *trial, const struct signer *signer,
                     const unsigned char *signature, size_t length)
{
    unsigned char mac[CRYPTO_DIGEST_MAX];
    size_t mac_len = 0;
    if (signer->public_key)
        return crypto_verify(trial->crypto, signer->mech, signer->public_key, message,
                             sizeof message, signature, length);
    const char *hash = mech_hash_at(signer->mech->digest)->name;
    return EVP_Q_mac(trial->library, "HMAC", NULL, hash, NULL, signer->secret->data,
                     signer->secret->length, (const unsigned char *)message, sizeof message, mac,
                     sizeof mac, &mac_len) &&
           length == mac_len && CRYPTO_memcmp(mac, signature, length) == 0;
}

int signer_sign(const struct trial *trial, const struct signer *signer, bool prehashed,
                double *ret_us, struct p11_error *error)
{
    const struct signing signing = {signer->mech, trial->crypto, prehashed, false};
    const struct token *token = trial->token;
    unsigned char signature[MECH_SIGNATURE_MAX];
    double us = 0;
    unsigned count = 0;
    while (count < SIGN_MAX && us * 1000 < SIGN_NS) {
        size_t length;
        double start = trial_now_us();
        int r = signature_make(token->module->fn, token->anchor, signer->handle, &signing, message,
                               sizeof message, signature, &length, error);
        us += trial_now_us() - start;
        if (r < 0)
            return r;
        if (!is_right(trial, signer, signature, length))
            return p11_error_text(error, P11_FAILED, "gave a wrong signature");
        count++;
    }
    *ret_us = us / count;
    return 0;
}

void signer_try(const struct trial *trial, const struct signer *signer)
{
    char name[REPORT_NAME_MAX];
    struct p11_error error, prehashed_error;
    double us;
    snprintf(name, sizeof name, "sign %s", signer->mech->algorithm);
    if (signer_sign(trial, signer, false, &us, &error) == 0)
        report_add(trial->report, name, true, us, "right");
    else if (error.call && signer->mech->prehashed != signer->mech->mechanism &&
             signer_sign(trial, signer, true, &us, &prehashed_error) == 0)
        report_add(trial->report, name, true, us, "right, of hashes that we make");
    else
        report_add_failure(trial->report, trial->token, name, &error);
}
