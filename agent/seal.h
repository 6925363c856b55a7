/* How a profile's tokens are sealed: encrypted to the provider that they are for. */
#ifndef HINTSIGN_AGENT_SEAL_H
#define HINTSIGN_AGENT_SEAL_H

#include "agent/jose/alg.h"
#include "agent/jose/enc.h"
#include "agent/json_file.h"

#define SEAL_ALGS_MAX  5
#define SEAL_STALE_MIN 60
#define SEAL_STALE_MAX 31536000

struct seal {
    const struct alg *algs[SEAL_ALGS_MAX]; /* in order of preference */
    size_t alg_count;
    const struct enc *enc;
    long max_stale;   /* seconds that fetched keys serve */
    bool without_use; /* keys that do not say what they are for serve too */
};

/* Takes a profile's "seal". Returns 0 or json_file_error(); free *ret_seal with free(). */
int seal_take(struct json_file *file, const struct json_at *at, struct seal **ret_seal);

/* Whether both choose the same key of the same set, and use it as long. */
bool seal_equal(const struct seal *a, const struct seal *b);

#endif
