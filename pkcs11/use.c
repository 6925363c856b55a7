/* Finds the keys of a configuration that are one key, and marks uses that do not go together. */
#include "config.h"
#include "pkcs11/use.h"

#include <stdlib.h>
#include <string.h>

struct use {
    CK_OBJECT_HANDLE handle; /* or 0 */
    struct key *key;
};

static int by_handle(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return (x->handle > y->handle) - (x->handle < y->handle);
}

static int by_digest(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return strcmp(x->key->digest, y->key->digest);
}

static bool go_together(const struct key *a, const struct key *b)
{
    return a->owner == b->owner && (a->owner || a->mech == b->mech);
}

/* Who publishes an owned key would have others take for tokens what its owner has signed. */
static void mark(struct key *key, const struct key *other)
{
    atomic_store(&key->other_use, other);
    if (key->beside && key_is_shared(key))
        atomic_store(&key->beside->other_use, other);
}

/* One of the uses that does not go together with `with` (NULL: any use); better one that does not
 * yield. NULL: there is none. */
static const struct key *find_use(const struct use *uses, size_t count, const struct key *with)
{
    const struct key *found = NULL;
    for (size_t i = 0; i < count && (!found || found->yields); i++)
        if (!with || !go_together(with, uses[i].key))
            found = uses[i].key;
    return found;
}

/* Uses of one key: where two of them do not go together, none is left, unless one yields. */
static void mark_group(struct use *uses, size_t count)
{
    const struct key *first = find_use(uses, count, NULL);
    const struct key *other = find_use(uses, count, first);
    for (size_t i = 0; other && i < count; i++) {
        if (!go_together(first, uses[i].key))
            mark(uses[i].key, first);
        else if (first->yields || !other->yields)
            mark(uses[i].key, other);
    }
}

static void mark_other_uses(struct use *uses, size_t count,
                            int (*compare)(const void *, const void *))
{
    qsort(uses, count, sizeof *uses, compare);
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && compare(&uses[first], &uses[end]) == 0)
            end++;
        mark_group(uses + first, end - first);
    }
}

int use_mark_others(struct keyring *keyring, size_t home, uint64_t generation,
                    struct p11_error *error)
{
    struct use *uses = calloc(keyring->count + 1, sizeof *uses);
    if (!uses)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    size_t here = 0, named = 0;
    for (size_t i = 0; i < keyring->count; i++) {
        struct key *key = keyring->keys[i];
        if (key->homes[home].found_in == generation)
            uses[here++] = (struct use){key->homes[home].handle, key};
    }
    mark_other_uses(uses, here, by_handle);
    for (size_t i = 0; i < keyring->count; i++)
        if (key_is_named(keyring->keys[i]))
            uses[named++] = (struct use){0, keyring->keys[i]};
    mark_other_uses(uses, named, by_digest);
    free(uses);
    return 0;
}
