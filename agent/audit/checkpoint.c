/* Reads the checkpoints of an audit log, and verifies their signatures. */
#include "config.h"
#include "agent/audit/checkpoint.h"
#include "agent/jose/base64url.h"
#include "agent/jose/jws.h"

#include <string.h>

bool checkpoint_is(const struct line *line)
{
    return strcmp(line->type, CHECKPOINT_TYPE) == 0;
}

static int fail(const char **error, int code, const char *phrase)
{
    *error = phrase;
    return code;
}

static const char *string_of(const struct line *line, const char *name)
{
    return json_string_value(json_object_get(line->record, name));
}

/* The key that the checkpoint names, if it may sign so. */
static const struct jwk *find_key(const struct jwks *keys, const char *kid, const char *alg,
                                  const char **error)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct jwk *key = &keys->keys[i].jwk;
        if (!key->kid || strcmp(key->kid, kid) != 0)
            continue;
        if (keys->keys[i].skipped || key->use == JWK_USE_ENC || key->use == JWK_USE_OTHER ||
            !(key->ops & JWK_OP_VERIFY) || (key->alg && strcmp(key->alg, alg) != 0)) {
            *error = "names a key that may not sign it";
            return NULL;
        }
        return key;
    }
    *error = "names a key that is not among the keys given";
    return NULL;
}

static int verify(const struct jose *jose, const struct jwks *keys, const struct line *line,
                  const struct checkpoint *checkpoint, struct text *room, const char **error)
{
    const char *alg_name = string_of(line, "alg"), *kid = string_of(line, "kid");
    const char *text = string_of(line, "signature");
    const struct alg *alg = alg_name ? alg_find(alg_name) : NULL;
    unsigned char signature[CHECKPOINT_SIGNATURE_MAX];
    size_t length = text ? strlen(text) : 0;
    if (!alg || !kid || !text || length > BASE64URL_LENGTH(sizeof signature) ||
        base64url_decode(text, length, signature) < 0)
        return fail(error, LINE_BROKEN, "has no alg, kid or signature");
    const struct jwk *key = find_key(keys, kid, alg_name, error);
    if (!key)
        return LINE_BROKEN;
    text_clear(room);
    audit_record_statement(room, checkpoint->covers, checkpoint->hash, line->time);
    if (room->failed)
        return fail(error, LINE_FAILED, "needs more memory than there is");
    int r = jws_verify_signature(jose, alg, key->key, room->data, room->length, signature,
                                 BASE64URL_BYTES(length));
    return r == 0 ? 0 : fail(error, LINE_BROKEN, "has a signature that is not its key's");
}

int checkpoint_read(const struct jose *jose, const struct jwks *keys, const struct line *line,
                    struct text *room, struct checkpoint *ret_checkpoint, const char **error)
{
    struct checkpoint checkpoint;
    checkpoint.covers = json_integer_value(json_object_get(line->record, "covers"));
    if (checkpoint.covers < 1 || !line_hash(string_of(line, "sha256"), checkpoint.hash))
        return fail(error, LINE_BROKEN, "does not say what it covers");
    if (checkpoint.covers >= line->sequence)
        return fail(error, LINE_BROKEN, "covers a line that does not come before it");
    int r = keys ? verify(jose, keys, line, &checkpoint, room, error) : 0;
    if (r == 0)
        *ret_checkpoint = checkpoint;
    return r;
}
