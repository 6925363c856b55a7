/* One profile: everything that the callers it allows can have done. */
#ifndef HINTSIGN_AGENT_PROFILE_H
#define HINTSIGN_AGENT_PROFILE_H

#include "agent/accept.h"
#include "agent/allow.h"
#include "agent/kind.h"
#include "agent/metrics.h"
#include "agent/rate.h"
#include "pkcs11/key.h"

#include <stdint.h>
#include <sys/types.h>

#define PROFILE_NAME_MAX      64
#define PROFILE_STRING_MAX    1024 /* bytes of an issuer, an audience, a URI */
#define PROFILE_AUDIENCES_MAX 64
#define PROFILE_ACCEPT_MAX    32 /* claims; the bits of a claim_set */
#define PROFILE_ONE_OF_MAX    8
#define PROFILE_PUBLISH_MAX   8
#define PROFILE_SIGNERS_MAX   8
#define PROFILE_LIFETIME_MAX  86400 /* seconds */
#define PROFILE_BACKDATE_MAX  300   /* seconds */

/* A key that is published beside the one that signs: an old or a next one. */
struct published {
    char *key_uri;
    const struct mech *mech;
    char *kid;       /* or NULL: its thumbprint */
    struct key *key; /* borrowed from the configuration's keyring */
};

/* An algorithm that callers of a profile that signs data may ask for, with the profile's key. */
struct signer {
    const struct mech *mech;
    struct key *key; /* borrowed from the configuration's keyring */
};

#define SOURCE_HASH_BYTES 32 /* of SHA-256 */

/* A file's text, from reading it until it is hashed. */
struct source {
    char *text;
    size_t length;
};

struct composition;
struct provider_keys;
struct seal;

struct profile {
    char *name;
    const struct kind *kind;
    char *key_uri;
    const struct mech *mech; /* of the first signer, where there are signers */
    struct key *key;         /* the same; borrowed from the configuration's keyring */
    char *next_key_uri;      /* of the client secret that comes next, or NULL */
    struct key *next_key;    /* it, used with `mech`, too; borrowed as `key` is */
    struct signer signers[PROFILE_SIGNERS_MAX]; /* of a kind that signs data; else none */
    size_t signer_count;
    bool verify;  /* every signature, not only RSA's, before it is given out */
    char *issuer; /* client_id, or issuer */
    char *typ;
    char *kid;      /* as set in the profile, or NULL: a private key's thumbprint */
    bool wants_jti; /* where the kind leaves it open */
    char **audiences;
    size_t audience_count;
    long lifetime; /* seconds; 0: the tokens have no exp */
    long backdate; /* seconds */
    struct allow allow[ALLOW_MAX];
    size_t allow_count;
    struct rate_limit rate_limit; /* of each caller */
    struct accept accept[PROFILE_ACCEPT_MAX];
    size_t accept_count;
    claim_set required;
    claim_set one_of[PROFILE_ONE_OF_MAX]; /* of each at least one */
    size_t one_of_count;
    struct published publish[PROFILE_PUBLISH_MAX];
    size_t publish_count;
    struct seal *seal;                       /* NULL: the tokens are signed only */
    struct provider_keys *provider_keys;     /* with `seal`: to whom, by audience */
    struct composition *composition;         /* of compose.c */
    struct metrics_counts *counts;           /* of requests; go on after a reload */
    struct source source;                    /* its file */
    unsigned char sha256[SOURCE_HASH_BYTES]; /* of that; from conf_bind on */
};

/* Whether this is a profile's name: 1 to PROFILE_NAME_MAX of a-z 0-9 . _ - */
bool profile_is_name(const char *name, size_t length);

/* Reads the profile from the file. `listeners`, which end with NULL, are the names that `allow`
 * may use. Returns 0, or -1 with what is wrong (file, line, member) in `error`.
 * Free with profile_free. */
int profile_load(const char *path, const char *name, const char *const *listeners,
                 struct profile **ret_profile, char *error, size_t error_size);

/* Accepts NULL. */
void profile_free(struct profile *profile);

/* Whoever signs by that JOSE algorithm for callers, or NULL. */
const struct signer *profile_signer(const struct profile *profile, const char *algorithm);

/* The bit of an accepted claim; 0 for any other name. */
claim_set profile_claim(const struct profile *profile, const char *name);

#endif
