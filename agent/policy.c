/* Decides who may have what: profile, audience, claims. Pure. */
#include "config.h"
#include "agent/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define INTEGER_SIZE 24 /* of 64 bits in decimal */

static bool in_group(const struct peer *peer, gid_t gid)
{
    if (peer->gid == gid)
        return true;
    for (size_t i = 0; i < peer->group_count; i++)
        if (peer->groups[i] == gid)
            return true;
    return false;
}

/* A caller whose ids belong to another user namespace can only be known by his listener. One in
 * another PID namespace is in a container, which says itself what groups he has. */
static bool entry_matches(const struct allow *allow, const struct peer *peer)
{
    if ((allow->by_uid || allow->by_gid || allow->unit) && !peer->identified)
        return false;
    if ((allow->by_gid || allow->unit) && peer->pid <= 0)
        return false;
    if (allow->by_uid && allow->uid != peer->uid)
        return false;
    if (allow->by_gid && !in_group(peer, allow->gid))
        return false;
    if (allow->unit && (!peer->unit || strcmp(allow->unit, peer->unit) != 0))
        return false;
    if (allow->listener && strcmp(allow->listener, peer->listener) != 0)
        return false;
    return allow->by_uid || allow->by_gid || allow->unit || allow->listener;
}

bool policy_allows(const struct profile *profile, const struct peer *peer, size_t *ret_entry)
{
    for (size_t i = 0; i < profile->allow_count; i++) {
        if (entry_matches(&profile->allow[i], peer)) {
            if (ret_entry)
                *ret_entry = i;
            return true;
        }
    }
    return false;
}

static int refuse_claim(struct refusal *refusal, const char *name, const char *message)
{
    refusal->name = name;
    refusal->message = message;
    return REFUSAL_INVALID_CLAIM;
}

/* The length of a blank (White_Space of Unicode, and U+FEFF) that the string begins or ends with,
 * or 0. */
static size_t blank_length(const char *s, size_t length, bool at_end)
{
    static const char *const blanks[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf",
    };
    unsigned char edge = length ? (unsigned char)s[at_end ? length - 1 : 0] : '\0';
    if (edge < 0x80) /* control characters are refused everywhere */
        return edge == ' ';
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        size_t size = strlen(blanks[i]);
        if (size <= length && memcmp(at_end ? s + length - size : s, blanks[i], size) == 0)
            return size;
    }
    return 0;
}

static void trim(const char **s, size_t *length)
{
    size_t blank;
    while ((blank = blank_length(*s, *length, false)) > 0) {
        *s += blank;
        *length -= blank;
    }
    while ((blank = blank_length(*s, *length, true)) > 0)
        *length -= blank;
}

/* A hint whose subject is the client's own id is an accepted client assertion at real providers,
 * some of which compare loosely. */
static bool is_issuer(const struct profile *profile, const char *value, size_t length)
{
    const char *issuer = profile->issuer;
    size_t issuer_len = strlen(issuer);
    trim(&issuer, &issuer_len);
    trim(&value, &length);
    return length == issuer_len && strncasecmp(value, issuer, length) == 0;
}

/* The `iss` of a subject identifier says whose subject it is, and identifies nobody by itself
 * (RFC 9493 section 3.2.3). That of another object may be taken for anything. */
static bool names_issuer(const struct profile *profile, const struct claim *claim, bool is_sub_id)
{
    char number[INTEGER_SIZE];
    if (claim->value && is_issuer(profile, claim->value, claim->length))
        return true;
    if (claim->is_integer &&
        is_issuer(profile, number,
                  (size_t)snprintf(number, sizeof number, "%" PRId64, claim->integer)))
        return true;
    for (size_t i = 0; i < claim->member_count; i++)
        if (!(is_sub_id && strcmp(claim->members[i].name, "iss") == 0) &&
            names_issuer(profile, &claim->members[i], false))
            return true;
    return false;
}

static int check_claim(const struct profile *profile, const struct claim *claim,
                       struct verdict *verdict, struct refusal *refusal)
{
    size_t i = 0;
    while (i < profile->accept_count && strcmp(profile->accept[i].name, claim->name) != 0)
        i++;
    if (i == profile->accept_count)
        return refuse_claim(refusal, claim->name, "The profile does not accept this claim.");
    const struct accept *accept = &profile->accept[i];
    const char *message = accept_check(accept, claim);
    if (message)
        return refuse_claim(refusal, accept->name, message);
    if (!profile->kind->may_name_issuer &&
        names_issuer(profile, claim, accept->form->type == FORM_SUB_ID))
        return refuse_claim(refusal, accept->name, "The claim names the issuer itself.");
    verdict->claims[i] = claim;
    return 0;
}

static int check_given(const struct profile *profile, const struct verdict *verdict,
                       struct refusal *refusal)
{
    claim_set given = 0;
    for (size_t i = 0; i < profile->accept_count; i++)
        if (verdict->claims[i])
            given |= (claim_set)1 << i;
    for (size_t i = 0; i < profile->accept_count; i++)
        if (profile->required & ~given & (claim_set)1 << i)
            return refuse_claim(refusal, profile->accept[i].name, "The claim must be given.");
    for (size_t i = 0; i < profile->one_of_count; i++)
        if (!(profile->one_of[i] & given))
            return refuse_claim(refusal, NULL, "One of several claims must be given.");
    return 0;
}

static int check_audience(const struct profile *profile, const char *audience,
                          struct verdict *verdict, struct refusal *refusal)
{
    if (!audience && profile->audience_count == 1)
        return 0;
    for (size_t i = 0; audience && i < profile->audience_count; i++) {
        if (strcmp(profile->audiences[i], audience) == 0) {
            verdict->audience = i;
            return 0;
        }
    }
    refusal->message = audience ? "The audience is not one of the profile's."
                                : "The profile has several audiences: name one.";
    return REFUSAL_UNKNOWN_AUDIENCE;
}

static int check_token(const struct profile *profile, const struct request *request,
                       struct verdict *verdict, struct refusal *refusal)
{
    int r = check_audience(profile, request->audience, verdict, refusal);
    for (size_t i = 0; r == 0 && i < request->claim_count; i++)
        r = check_claim(profile, &request->claims[i], verdict, refusal);
    return r < 0 ? r : check_given(profile, verdict, refusal);
}

static int refuse_parameter(struct refusal *refusal, const char *name)
{
    refusal->name = name;
    return REFUSAL_INVALID_PARAMETER;
}

/* EdDSA signs no hashes: RFC 8032 section 5.1. */
static int check_signing(const struct profile *profile, const struct request *request,
                         struct verdict *verdict, struct refusal *refusal)
{
    const struct signer *signer = profile_signer(profile, request->algorithm);
    if (!signer)
        return refuse_parameter(refusal, "algorithm");
    if (request->digest.data &&
        (signer->mech->family == MECH_EDDSA ||
         request->digest.length != mech_hash_at(signer->mech->digest)->length))
        return refuse_parameter(refusal, "digest");
    verdict->signer = signer;
    return 0;
}

int policy_check(const struct conf *conf, const struct peer *peer, const struct request *request,
                 struct verdict *verdict, struct refusal *refusal)
{
    *verdict = (struct verdict){0};
    const struct profile *profile = conf_profile(conf, request->profile);
    bool next = request->method == METHOD_MINT_NEXT, signing = request->method == METHOD_SIGN;
    if (!profile || (!next && !policy_allows(profile, peer, &verdict->allow)))
        return REFUSAL_NOT_ALLOWED;
    verdict->profile = profile;
    verdict->key = next ? profile->next_key : profile->key;
    if (signing != profile->kind->signs_data) {
        refusal->message = signing ? "The profile mints tokens, it does not sign data."
                                   : "The profile signs data, it does not mint tokens.";
        return REFUSAL_NOT_ALLOWED;
    }
    int r = signing ? check_signing(profile, request, verdict, refusal)
                    : check_token(profile, request, verdict, refusal);
    if (r < 0 || !next || profile->next_key)
        return r;
    refusal->message = "The profile has no next_key.";
    return REFUSAL_KEY_UNAVAILABLE;
}
