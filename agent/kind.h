/* The kinds of profile: what each kind's tokens look like. */
#ifndef HINTSIGN_AGENT_KIND_H
#define HINTSIGN_AGENT_KIND_H

#include <stdbool.h>
#include <stddef.h>

/* The parts of a header or of a set of claims, in the order in which they are written. */
enum part {
    PART_END,
    PART_ALG,
    PART_TYP,
    PART_KID, /* where the profile has one */
    PART_ISS,
    PART_SUB_IS_ISS, /* sub with the issuer's value: RFC 7523 section 3 */
    PART_AUD,
    PART_IAT,
    PART_EXP, /* where the profile has a lifetime */
    PART_JTI,
    PART_JTI_IF,   /* where the profile wants one */
    PART_ACCEPTED, /* the caller's claims, in the profile's order */
};

#define KIND_PARTS_MAX 8

struct kind {
    const char *name;
    enum part header[4];
    enum part claims[KIND_PARTS_MAX];
    const char *issuer_member; /* the member of a profile that says who issues */
    bool secret_key;           /* signed with a client secret, HS256 to HS512 */
    bool private_key;          /* signed with a private key, RS256 to EdDSA */
    long lifetime;             /* seconds; the default, 0: none */
    const char *first;         /* the claim that comes first among the accepted ones, or NULL */
    const char *first_form;    /* its form unless the profile says another */
    const char *last;          /* the one that comes last, or NULL */
    bool accepts_more;         /* a profile may accept other claims than these two */
    bool needs_identifier;     /* `first`, or any accepted claim but `last`, must be given */
    bool typ_settable;         /* a profile may say another typ than JWT */
    bool sealable;             /* may be encrypted to the provider */
    bool sealed;               /* ... and always is */
    bool signs_data;           /* what callers give: it makes no tokens, and has none of the above
                                * but private_key */
    bool may_name_issuer;      /* its identifier is the issuer: a client assertion */
};

/* The kinds one by one, from index 0; NULL behind the last. */
const struct kind *kind_at(size_t index);

/* Whether a claim belongs to the agent, so that no profile can accept it from a caller. */
bool kind_is_reserved(const char *claim);

#endif
