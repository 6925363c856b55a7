/* hintsign-key delete: deletes both halves of a key, after a question. */
#include "config.h"
#include "pkcs11/key/delete.h"
#include "pkcs11/key/ceremony.h"
#include "pkcs11/key/keyspec.h"
#include "pkcs11/key/prompt.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"

#include <string.h>
#include <unistd.h>

/* What the command line names. One of them is missing where a key has no such half. */
struct victim {
    const struct object *key; /* secret or private */
    const struct object *public_half;
};

static size_t find(const struct token *token, CK_OBJECT_CLASS object_class,
                   const struct options *options, const struct object **ret_first)
{
    struct index_query query = {.object_class = object_class,
                                .label = options->label,
                                .label_len = strlen(options->label),
                                .id = options->id_len ? options->id : NULL,
                                .id_len = options->id_len};
    return index_find(&token->index, &query, 0, ret_first);
}

/* Other programs may leave one half without an id. */
static bool is_pair(const struct object *private_half, const struct object *public_half)
{
    if (private_half->key_type != public_half->key_type)
        return false;
    return private_half->id_len == 0 || public_half->id_len == 0 ||
           (private_half->id_len == public_half->id_len &&
            memcmp(private_half->id, public_half->id, public_half->id_len) == 0);
}

static int choose(const struct token *token, const struct options *options,
                  struct victim *ret_victim, struct p11_error *error)
{
    const struct object *secret = NULL, *private_half = NULL, *public_half = NULL;
    size_t secrets = find(token, CKO_SECRET_KEY, options, &secret);
    size_t privates = find(token, CKO_PRIVATE_KEY, options, &private_half);
    size_t publics = find(token, CKO_PUBLIC_KEY, options, &public_half);
    size_t keys = secrets + privates + publics;
    if (keys == 0)
        return p11_error_text(error, P11_KEY, "%s: no key has this label%s", token->name,
                              options->id_len ? " and id" : "");
    if (privates == 1 && publics == 1 && is_pair(private_half, public_half))
        keys--;
    if (keys > 1)
        return p11_error_text(error, P11_KEY, "%s: %zu keys have this label%s: %s", token->name,
                              keys, options->id_len ? " and id" : "",
                              options->id_len
                                  ? "nothing is deleted"
                                  : "choose one with --id (hintsign-key list shows it)");
    *ret_victim = (struct victim){secret ? secret : private_half, public_half};
    return 0;
}

static int confirm(const struct token *token, const struct victim *victim, const struct mech *mech,
                   struct p11_error *error)
{
    if (!isatty(STDIN_FILENO))
        return p11_error_text(error, P11_INVALID,
                              "there is no terminal to ask on: to delete the key without a "
                              "question, add --yes");
    fprintf(stderr, "On %s:\n  ", token->name);
    show_line(token, victim->key ? victim->key : victim->public_half, mech, stderr);
    if (victim->key && victim->public_half)
        fprintf(stderr, "\n  and its public half");
    if (prompt_yes("\nDelete it for ever? (yes/no) "))
        return 0;
    return p11_error_text(error, P11_FAILED, "nothing was deleted");
}

static int destroy(const struct token *token, const struct object *object, const char *what,
                   struct p11_error *error)
{
    if (!object)
        return 0;
    CK_RV rv = token->module->fn->C_DestroyObject(token->anchor, object->handle);
    if (rv == CKR_OK)
        return 0;
    p11_error_call(error, P11_FAILED, "C_DestroyObject", rv);
    tokens_explain(token, error);
    struct p11_error cause = *error;
    return p11_error_text(error, P11_FAILED, "%s: %s", cause.text, what);
}

static int destroy_both(const struct token *token, const struct victim *victim,
                        struct p11_error *error)
{
    int r = destroy(token, victim->key, "nothing was deleted", error);
    if (r == 0)
        r = destroy(token, victim->public_half,
                    victim->key ? "its public half is still there" : "nothing was deleted", error);
    return r;
}

static int delete_recorded(const struct tokens *tokens, const struct victim *victim,
                           struct transcript *transcript, struct p11_error *error)
{
    const struct token *token = tokens->list[0];
    const struct object *object = victim->key ? victim->key : victim->public_half;
    char type[KEYSPEC_NAME_MAX];
    keyspec_describe(token->module->fn, token->anchor, object, type);
    struct ceremony ceremony = {
        .transcript = transcript,
        .command = "delete",
        .tokens = tokens,
        .label = object->label,
        .id = object->id,
        .id_len = object->id_len,
        .key_type = type,
        .deletes = true,
    };
    int r = ceremony_begin(&ceremony, error);
    if (r < 0)
        return r;
    r = destroy_both(token, victim, error);
    return ceremony_end(&ceremony, r, error);
}

int delete_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    _cleanup_transcript_ struct transcript transcript = TRANSCRIPT_NONE;
    struct victim victim = {NULL, NULL};
    int r = transcript_open(options->transcript, &transcript, error);
    if (r == 0)
        r = tokens_open(&tokens, options, true, error);
    if (r != 0)
        return r;
    const struct token *token = tokens.list[0];
    r = choose(token, options, &victim, error);
    if (r == 0 && !options->yes)
        r = confirm(token, &victim, options->mech, error);
    return r == 0 ? delete_recorded(&tokens, &victim, &transcript, error) : r;
}
