/* Whether the client secret that comes next is fit to be tried. */
#include "config.h"
#include "agent/next_key.h"

#include <stdio.h>
#include <string.h>

static bool is_same(const struct key *a, const struct key *b)
{
    return key_is_named(a) && key_is_named(b) && strcmp(a->digest, b->digest) == 0;
}

bool next_key_is_fit(const struct conf *conf, const struct profile *profile, char *reason,
                     size_t size)
{
    const struct key *next = profile->next_key;
    if (!next)
        return true;
    if (is_same(next, profile->key)) {
        snprintf(reason, size, "it is the same key as \"key\"");
        return false;
    }
    if (atomic_load(&next->ready))
        return true;
    key_reason(conf->keyring, next, reason, size);
    return false;
}
