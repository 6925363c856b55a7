/* hintsign-key wrap: encrypts a client secret for a token, on a computer that has none. */
#include "config.h"
#include "pkcs11/key/wrap.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/entry.h"
#include "pkcs11/key/guard.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/key/kcv.h"
#include "pkcs11/key/wrapped.h"

#include <stdio.h>
#include <string.h>

/* Whoever slips in a public key of his own reads the secret. */
static int check_fingerprint(const struct options *options, const struct kek *kek,
                             struct p11_error *error)
{
    fprintf(stderr, "wrapping for the key with fingerprint %s\n", kek->fingerprint);
    if (!options->fingerprint || strcmp(options->fingerprint, kek->fingerprint) == 0)
        return 0;
    return p11_error_text(error, P11_INVALID, "%s: this key has another fingerprint", options->kek);
}

/* Wipes the key before it prints: whoever reads the output may take his time. */
static int wrap(const struct options *options, const struct kek *kek, struct secret *key,
                struct p11_error *error)
{
    struct wrapped wrapped;
    char kcv[KCV_MAX];
    int r = wrapped_make(kek, key, &wrapped, error);
    if (r == 0)
        r = kcv_of_key(key, options->mech, kcv, error);
    secret_wipe(key);
    guard_wipe_stack();
    if (r < 0)
        return r;
    fprintf(stderr, "check value %s\n", kcv);
    wrapped.mech = options->mech;
    wrapped.derivation = options->derivation;
    return wrapped_print(&wrapped, error);
}

static int wrap_recorded(const struct options *options, const struct kek *kek, struct secret *key,
                         struct transcript *transcript, struct p11_error *error)
{
    struct ceremony ceremony = {
        .transcript = transcript,
        .command = "wrap",
        .label = options->label,
        .derivation = options->derivation ? options->derivation->name : NULL,
        .mech = options->mech,
        .kek = kek->fingerprint,
    };
    int r = ceremony_begin(&ceremony, error);
    if (r < 0)
        return r;
    r = wrap(options, kek, key, error);
    return ceremony_end(&ceremony, r, error);
}

int wrap_run(const struct options *options, struct p11_error *error)
{
    _cleanup_transcript_ struct transcript transcript = TRANSCRIPT_NONE;
    _cleanup_kek_ struct kek kek = {0};
    _cleanup_secret_ struct secret key = {0};
    int r = kek_read_file(options->kek, &kek, error);
    if (r == 0)
        r = check_fingerprint(options, &kek, error);
    if (r == 0)
        r = transcript_open(options->transcript, &transcript, error);
    if (r == 0)
        r = entry_key(options, &key, error);
    if (r == 0)
        r = wrap_recorded(options, &kek, &key, &transcript, error);
    return r;
}
