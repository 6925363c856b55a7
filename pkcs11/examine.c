/* Finds the object that serves a key on a token, and proves it with a known answer. */
#include "config.h"
#include "pkcs11/examine.h"
#include "pkcs11/public.h"
#include "pkcs11/signature.h"
#include "pkcs11/watch.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void finding_clear(struct finding *finding)
{
    EVP_PKEY_free(finding->public_key);
    finding->public_key = NULL;
}

static size_t find_object(const struct key *key, const struct index *index,
                          const struct object **ret_object)
{
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(key->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(key->uri, CKA_ID);
    struct index_query query = {.object_class = key->mech->object_class};
    if (label) {
        query.label = label->pValue;
        query.label_len = label->ulValueLen;
    }
    if (id) {
        query.id = id->pValue;
        query.id_len = id->ulValueLen;
    }
    return index_find(index, &query, 0, ret_object);
}

/* Whether the object may serve the key; otherwise `reason` follows "the key ". */
static bool fits(const struct key *key, const struct object *object, char *reason, size_t size)
{
    const struct mech *mech = key->mech;
    if (object->key_type != mech->key_types[0] && object->key_type != mech->key_types[1]) {
        snprintf(reason, size, "is of a type that does not serve %s", mech->algorithm);
        return false;
    }
    if (object->value_len && object->value_len < mech->key_min) {
        snprintf(reason, size, "has %lu bytes, %s needs %zu (RFC 7518 section 3.2)",
                 (unsigned long)object->value_len, mech->algorithm, mech->key_min);
        return false;
    }
    return !object_unfit(object, reason, size);
}

struct answer {
    unsigned char signature[MECH_SIGNATURE_MAX];
    size_t length;
};

/* Lets the key sign the known question: the data, or, where the token refuses that or the key is to
 * sign hashes, its hash. A mechanism that is listed may still refuse to work, so lists are not
 * asked. */
static int ask(const struct keyring *keyring, const struct key *key, const struct token *token,
               struct finding *finding, struct answer *answer, struct p11_error *error)
{
    struct signing signing = {key->mech, keyring->crypto, false, false};
    int r = P11_KEY;
    for (int prehashed = key->hashes; prehashed < 2 && r < 0 && r != P11_UNAVAILABLE; prehashed++) {
        if (prehashed && key->mech->prehashed == key->mech->mechanism)
            break;
        signing.prehashed = finding->prehashed = prehashed;
        watch_beat();
        r = signature_make(token->module->fn, token->anchor, finding->object->handle, &signing,
                           EXAMINE_QUESTION, sizeof EXAMINE_QUESTION - 1, answer->signature,
                           &answer->length, error);
    }
    return r;
}

/* The first answer of a secret key is the measure of all later ones. */
static int confirm(const struct keyring *keyring, const struct key *key, const struct token *token,
                   struct finding *finding, const struct answer *first, struct p11_error *error)
{
    struct answer second = {.length = 0};
    int r = ask(keyring, key, token, finding, &second, error);
    if (r == 0 && (second.length != first->length ||
                   memcmp(second.signature, first->signature, first->length) != 0))
        r = p11_error_text(error, P11_KEY, "two answers to one question differ");
    return r;
}

/* Whether this object tells the public half that the answer verifies with. */
static int try_public(const struct keyring *keyring, const struct key *key,
                      const struct token *token, const struct object *object,
                      const struct answer *answer, struct finding *finding, struct p11_error *error)
{
    EVP_PKEY *public_key;
    watch_beat();
    int r = public_read(keyring->crypto, token->module->fn, token->anchor, object, key->mech,
                        &public_key, error);
    if (r < 0)
        return r;
    if (crypto_verify(keyring->crypto, key->mech, public_key, EXAMINE_QUESTION,
                      sizeof EXAMINE_QUESTION - 1, answer->signature, answer->length)) {
        finding->public_key = public_key;
        finding->wrong_answer = false;
        return 0;
    }
    EVP_PKEY_free(public_key);
    finding->wrong_answer = true;
    return p11_error_text(error, P11_KEY, "makes signatures that its public half does not verify");
}

/* Tokens need not give both halves one id, so all public keys of the same id or label are tried;
 * the private key itself tells an RSA modulus. */
static int find_public(const struct keyring *keyring, const struct key *key,
                       const struct token *token, const struct answer *answer,
                       struct finding *finding, struct p11_error *error)
{
    const struct object *private = finding->object, *public;
    struct index_query by_id = {CKO_PUBLIC_KEY, NULL, 0, private->id, private->id_len};
    struct index_query by_label = {CKO_PUBLIC_KEY, private->label, private->label_len, NULL, 0};
    const struct index_query *queries[] = {&by_id, &by_label};
    int r = p11_error_text(error, P11_KEY, "has no public half on the token");
    if (mech_is_rsa(key->mech))
        r = try_public(keyring, key, token, private, answer, finding, error);
    for (size_t q = 0; q < 2; q++) {
        for (size_t n = 0; r == P11_KEY && index_find(&token->index, queries[q], n, &public) > n;
             n++)
            r = try_public(keyring, key, token, public, answer, finding, error);
    }
    return r;
}

static int identify_public(const struct keyring *keyring, struct finding *finding,
                           struct p11_error *error)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(finding->public_key, &der);
    bool good = length > 0 && crypto_digest(keyring->crypto, mech_find("RS256"), der,
                                            (size_t)length, finding->identity);
    OPENSSL_free(der);
    return good ? 0 : p11_error_text(error, P11_KEY, "has a public half that cannot be written");
}

static bool is_same(const struct key_home *home, const struct finding *finding)
{
    return !home->identified ||
           memcmp(home->identity, finding->identity, sizeof home->identity) == 0;
}

/* On P11_KEY and P11_FAILED the error's text follows "the key ". */
static int prove(const struct keyring *keyring, const struct key *key, const struct key_home *home,
                 struct finding *finding, struct p11_error *error)
{
    struct answer answer = {.length = 0};
    char text[P11_ERROR_TEXT_MAX];
    int r = ask(keyring, key, home->token, finding, &answer, error);
    if (r == 0 && key->mech->family == MECH_HMAC && !home->identified)
        r = confirm(keyring, key, home->token, finding, &answer, error);
    if (r == P11_UNAVAILABLE && p11_rv_may_be_object(error->rv)) {
        finding->failure = *error;
        r = P11_KEY;
    }
    if (r < 0 && r != P11_UNAVAILABLE)
        return p11_error_text(error, P11_KEY, "does not sign: %.160s",
                              p11_error_describe(error, text, sizeof text));
    if (r == 0 && key->mech->family == MECH_HMAC)
        memcpy(finding->identity, answer.signature, answer.length);
    else if (r == 0)
        r = find_public(keyring, key, home->token, &answer, finding, error);
    if (r == 0 && finding->public_key)
        r = identify_public(keyring, finding, error);
    if (r == 0 && !is_same(home, finding))
        finding->wrong_answer = true;
    if (r == 0 && finding->wrong_answer)
        r = p11_error_text(error, P11_KEY,
                           "is not the one that was on token %.64s before: the token was exchanged",
                           home->token->name);
    return r;
}

int examine_key(const struct keyring *keyring, const struct key *key, const struct key_home *home,
                struct finding *ret_finding, struct p11_error *error)
{
    struct finding finding = {0};
    struct token *token = home->token;
    size_t matches = 0;
    char unfit[KEY_REASON_MAX - 10];
    int r = 0;
    if (p11_kit_uri_match_token_info(key->uri, &token->info))
        matches = find_object(key, &token->index, &finding.object);
    if (matches == 0)
        snprintf(finding.reason, KEY_REASON_MAX, "no such key on token %.64s", token->name);
    else if (matches > 1)
        snprintf(finding.reason, KEY_REASON_MAX, "%zu keys of that name on token %.64s", matches,
                 token->name);
    else if (!fits(key, finding.object, unfit, sizeof unfit))
        snprintf(finding.reason, KEY_REASON_MAX, "the key %s", unfit);
    else if ((r = prove(keyring, key, home, &finding, error)) == 0)
        finding.usable = true;
    else if (r != P11_UNAVAILABLE)
        snprintf(finding.reason, KEY_REASON_MAX, "the key %.180s", error->text);
    finding.may_change = r < 0;
    if (r == P11_UNAVAILABLE) {
        finding_clear(&finding);
        return r;
    }
    *ret_finding = finding;
    return 0;
}
