/* Tries algorithms with the keys that a token keeps, as the agent does when it starts. */
#include "config.h"
#include "pkcs11/key/kept.h"
#include "pkcs11/key.h"

#include <stdio.h>
#include <stdlib.h>

#define KEPT_MAX 8 /* keys of the token that an algorithm is tried with */

static char *uri_of(const struct object *object)
{
    CK_ATTRIBUTE names[] = {{CKA_LABEL, (char *)object->label, object->label_len},
                            {CKA_ID, (unsigned char *)object->id, object->id_len}};
    char *text = NULL;
    P11KitUri *uri = p11_kit_uri_new();
    for (size_t i = 0; uri && i < 2; i++)
        if (names[i].ulValueLen > 0)
            p11_kit_uri_set_attribute(uri, &names[i]);
    if (uri)
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT, &text);
    p11_kit_uri_free(uri);
    return text;
}

/* Whether the agent could sign with this key: found out as the agent does. */
static bool agent_signs(const struct trial *trial, const struct object *object,
                        const struct mech *mech)
{
    struct token *token = trial->token;
    struct keyring *keyring = NULL;
    struct p11_error error;
    struct key *key;
    char *uri = uri_of(object);
    bool ready = uri && keyring_new(trial->crypto, &token, 1, &keyring, &error) == 0 &&
                 keyring_add(keyring, uri, mech, &key, &error) == 0 &&
                 keyring_resolve(keyring, token, 1, &error) == 0 && atomic_load(&key->ready);
    keyring_unref(keyring);
    free(uri);
    return ready;
}

static bool try_all(const struct trial *trial, const struct mech *mech)
{
    const struct index *index = &trial->token->index;
    unsigned tried = 0;
    for (size_t i = 0; i < index->count && tried < KEPT_MAX; i++) {
        const struct object *object = &index->objects[i];
        if (object->object_class != mech->object_class ||
            (object->key_type != mech->key_types[0] && object->key_type != mech->key_types[1]))
            continue;
        if (agent_signs(trial, object, mech))
            return true;
        tried++;
    }
    return false;
}

void kept_try(const struct trial *trial)
{
    for (size_t i = 0; mech_at(i); i++) {
        char name[REPORT_NAME_MAX];
        snprintf(name, sizeof name, "sign %s", mech_at(i)->algorithm);
        if (!report_find(trial->report, name) && try_all(trial, mech_at(i)))
            report_add(trial->report, name, true, 0, "right, with a key that is there");
    }
}
