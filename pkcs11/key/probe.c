/* hintsign-key probe: tries a token in a session that cannot change it, and says what works. */
#include "config.h"
#include "pkcs11/key/probe.h"
#include "pkcs11/key/kept.h"
#include "pkcs11/key/tokens.h"
#include "pkcs11/key/trial.h"

#include <string.h>

#define BATCH 256 /* handles at once */

/* Every object that the token keeps, keys or not. */
static int count_objects(const struct token *token, size_t *ret_count, struct p11_error *error)
{
    CK_FUNCTION_LIST *fn = token->module->fn;
    CK_OBJECT_HANDLE handles[BATCH];
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE kept = {CKA_TOKEN, &yes, sizeof yes};
    CK_ULONG found = 1;
    size_t count = 0;
    CK_RV rv = fn->C_FindObjectsInit(token->anchor, &kept, 1);
    if (rv != CKR_OK)
        return p11_error_call(error, P11_UNAVAILABLE, "C_FindObjectsInit", rv);
    while (rv == CKR_OK && found > 0) {
        rv = fn->C_FindObjects(token->anchor, handles, BATCH, &found);
        count += rv == CKR_OK ? found : 0;
    }
    fn->C_FindObjectsFinal(token->anchor);
    if (rv != CKR_OK)
        return p11_error_call(error, P11_UNAVAILABLE, "C_FindObjects", rv);
    *ret_count = count;
    return 0;
}

static void report_objects(const struct token *token, size_t before, struct report *report)
{
    struct p11_error error;
    char text[P11_ERROR_TEXT_MAX];
    size_t after;
    if (count_objects(token, &after, &error) < 0)
        report_add(report, "objects", false, 0, "%s",
                   p11_error_describe(&error, text, sizeof text));
    else if (after == before)
        report_add(report, "objects", true, 0, "as many as before");
    else
        report_add(report, "objects", false, 0, "%zu before, %zu now", before, after);
}

static int try_all(struct token *token, const struct crypto *crypto, struct report *report,
                   struct p11_error *error)
{
    const struct trial trial = {token, crypto->library, crypto, report};
    size_t before;
    int r = count_objects(token, &before, error);
    if (r < 0)
        return tokens_explain(token, error);
    trial_sessions(&trial);
    trial_hmac(&trial);
    trial_generate(&trial);
    trial_unwrap(&trial);
    kept_try(&trial);
    report_objects(token, before, report);
    return 0;
}

static int print(const struct token *token, const struct options *options,
                 const struct report *report, struct p11_error *error)
{
    bool works = report_any_works(report, "sign ");
    size_t lost;
    int r = report_print(report, token, works, options->json, options->compare, &lost, error);
    if (r < 0)
        return r;
    if (!works)
        return p11_error_text(error, P11_FAILED,
                              "%s: no algorithm works: hintsign-agent has no use for this token, "
                              "unless all its keys stay: generate one, and probe again",
                              token->name);
    if (lost > 0)
        return p11_error_text(error, P11_FAILED, "%s: %zu of what worked before does not work now",
                              token->name, lost);
    return 0;
}

int probe_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    struct report report = {.count = 0};
    struct crypto *crypto = NULL;
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    int r = library ? crypto_new(library, NULL, &crypto, error)
                    : p11_error_text(error, P11_MEMORY, "out of memory");
    /* A session for reading can make no object that outlives it. */
    if (r == 0)
        r = tokens_open(&tokens, options, false, error);
    if (r == 0)
        r = try_all(tokens.list[0], crypto, &report, error);
    crypto_free(crypto);
    OSSL_LIB_CTX_free(library);
    return r == 0 ? print(tokens.list[0], options, &report, error) : r;
}
