/* What policy has approved, for those who carry it out. */
#ifndef HINTSIGN_AGENT_VERDICT_H
#define HINTSIGN_AGENT_VERDICT_H

#include "agent/profile.h"
#include "agent/request.h"

/* What was approved. Everything is borrowed from the configuration and the request. */
struct verdict {
    const struct profile *profile; /* NULL: the caller may not use it, or there is none */
    size_t allow;                  /* the entry that matched; of METHOD_MINT_NEXT none does */
    struct key *key;               /* that signs the token */
    const struct signer *signer;   /* of Sign; NULL: none was approved */
    size_t audience;               /* its index */
    const struct claim *claims[PROFILE_ACCEPT_MAX]; /* by accepted claim; NULL: not given */
};

#endif
