/* The table of the kinds: the tokens of each, part by part, as its provider wants them. */
#include "config.h"
#include "agent/kind.h"

#include <string.h>

static const struct kind kinds[] = {
    {
        .name = "pingone", /* the bytes that PingOne's own jwtgen gives */
        .header = {PART_TYP, PART_ALG},
        .claims = {PART_IAT, PART_EXP, PART_ISS, PART_ACCEPTED, PART_AUD},
        .issuer_member = "client_id",
        .secret_key = true,
        .lifetime = 300,
        .first = "sub",
        .needs_identifier = true,
    },
    {
        .name = "authway", /* the order of the vendor's sample */
        .header = {PART_ALG, PART_TYP},
        .claims = {PART_ACCEPTED, PART_IAT, PART_ISS, PART_AUD, PART_EXP},
        .issuer_member = "client_id",
        .secret_key = true,
        .first = "sub",
        .last = "tid",
        .accepts_more = true,
        .needs_identifier = true,
    },
    {
        .name = "modrna", /* a discovery service's, to be sealed: MODRNA CIBA profile */
        .header = {PART_ALG, PART_KID},
        .claims = {PART_ISS, PART_AUD, PART_IAT, PART_ACCEPTED, PART_EXP, PART_JTI_IF},
        .issuer_member = "issuer",
        .private_key = true,
        .first = "MSISDN",
        .first_form = "e164",
        .needs_identifier = true,
        .sealable = true,
        .sealed = true,
    },
    {
        .name = "ciba", /* for other providers; OpenID CIBA Core section 7.1 */
        .header = {PART_ALG, PART_TYP, PART_KID},
        .claims = {PART_ISS, PART_AUD, PART_IAT, PART_EXP, PART_JTI, PART_ACCEPTED},
        .issuer_member = "issuer",
        .secret_key = true,
        .private_key = true,
        .lifetime = 300,
        .accepts_more = true,
        .needs_identifier = true,
        .sealable = true,
        .typ_settable = true,
    },
    {
        .name = "client_assertion", /* RFC 7523 section 3, OpenID Connect Core section 9 */
        .header = {PART_ALG, PART_TYP, PART_KID},
        .claims = {PART_ISS, PART_SUB_IS_ISS, PART_AUD, PART_JTI, PART_IAT, PART_EXP},
        .issuer_member = "client_id",
        .secret_key = true,
        .private_key = true,
        .lifetime = 60,
        .typ_settable = true,
        .may_name_issuer = true,
    },
    {
        .name = "raw",
        .private_key = true,
        .signs_data = true,
    },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

const struct kind *kind_at(size_t index)
{
    return index < KINDS ? &kinds[index] : NULL;
}

bool kind_is_reserved(const char *claim)
{
    static const char *const reserved[] = {
        "iss",       "aud",           "iat",          "exp",     "nbf",         "jti",
        "client_id", "uid",           "scope",        "azp",     "act",         "cnf",
        "nonce",     "response_type", "redirect_uri", "request", "request_uri",
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(reserved[i], claim) == 0)
            return true;
    return false;
}
