/* A key as OpenSSL holds it: its public half, and the profile that signs. */
#ifndef HINTSIGN_PROVIDER_KEY_H
#define HINTSIGN_PROVIDER_KEY_H

#include "client/provider/algorithm.h"
#include "client/provider/core.h"

#include <stdatomic.h>

struct key {
    _Atomic unsigned references;
    struct provider *provider; /* borrowed: it outlives all keys */
    enum key_type type;
    const char *curve;    /* as OpenSSL names it; NULL: none, or one that signs nothing here */
    EVP_PKEY *public_key; /* in the hands of another provider; NULL: nothing was imported yet */
    char *profile;        /* NULL: there is but the public half */
    struct agent *agent;  /* the same */
};

/* A key of this type with nothing in it. Returns NULL without memory. */
struct key *key_new(struct provider *provider, enum key_type type);

/* The key that the agent has for the profile. Returns 1, or 0 with the reason in the error queue.
 * Free with key_unref. */
int key_load(struct provider *provider, struct agent *agent, const char *profile,
             struct key **ret_key);

struct key *key_ref(struct key *key);
void key_unref(struct key *key); /* accepts NULL */

/* Puts a reference to the key in the place of the one held. NULL leaves that one: a context may be
 * initialised again, and then without a key. */
void key_hold(struct key **held, struct key *key);

/* Gives an empty key its public half, whose curve is looked up; takes over the reference. */
void key_set_public(struct key *key, EVP_PKEY *public_key);

#endif
