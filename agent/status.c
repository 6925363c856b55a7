/* What the agent says of itself: its health, and the profiles that the caller may use. */
#include "config.h"
#include "agent/status.h"
#include "agent/limits.h"
#include "agent/next_key.h"
#include "agent/process.h"
#include "agent/provider_keys.h"
#include "agent/refusal.h"
#include "agent/status_metrics.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put_string(struct text *out, const char *string)
{
    text_string(out, string, strlen(string));
}

static void put_bool(struct text *out, bool value)
{
    text_put(out, value ? "true" : "false");
}

/* Reasons name files, modules and devices: for those who run the agent. */
static void put_token(struct token *token, const struct peer *peer, struct text *out)
{
    char detail[P11_ERROR_TEXT_MAX];
    enum token_state state = token_get_state(token, detail, sizeof detail);
    text_put(out, "{\"name\":");
    put_string(out, token->name);
    text_put(out, ",\"state\":");
    put_string(out, token_state_name(state));
    if (detail[0] && peer_is_administrator(peer)) {
        text_put(out, ",\"detail\":");
        put_string(out, detail);
    }
    text_put(out, "}");
}

/* The key that keeps the profile from being ready, or NULL. Each signer has one of its own. */
static const struct key *find_unready(const struct profile *profile)
{
    for (size_t i = 0; i < profile->signer_count; i++)
        if (!atomic_load(&profile->signers[i].key->ready))
            return profile->signers[i].key;
    return atomic_load(&profile->key->ready) ? NULL : profile->key;
}

bool status_is_ready(const struct conf *conf, const struct profile *profile, char *reason,
                     size_t size)
{
    const struct key *unready = find_unready(profile);
    if (!unready)
        return provider_keys_ready(profile, time(NULL), reason, size);
    key_reason(conf->keyring, unready, reason, size);
    return false;
}

/* What works less than configured. */
static void put_warning(const struct conf *conf, const struct peer_sight *sight,
                        const struct profile *profile, struct text *out)
{
    char reason[STATUS_REASON_MAX], warning[STATUS_REASON_MAX + 64];
    bool units = sight->problem && allow_names_unit(profile->allow, profile->allow_count);
    bool next = !next_key_is_fit(conf, profile, reason, sizeof reason);
    if (!units && !next)
        return;
    snprintf(warning, sizeof warning, "%s%s%s%s", units ? "its rules by unit match nobody" : "",
             units && next ? "; " : "", next ? "next_key: " : "", next ? reason : "");
    text_put(out, ",\"warning\":");
    put_string(out, warning);
}

static void put_profile_status(const struct conf *conf, const struct peer_sight *sight,
                               const struct profile *profile, struct text *out)
{
    char reason[STATUS_REASON_MAX];
    bool ready = status_is_ready(conf, profile, reason, sizeof reason);
    text_put(out, "{\"name\":");
    put_string(out, profile->name);
    text_put(out, ",\"ready\":");
    put_bool(out, ready);
    if (!ready) {
        text_put(out, ",\"reason\":");
        put_string(out, reason);
    }
    put_warning(conf, sight, profile, out);
    if (profile->seal) {
        text_put(out, ",\"encryption_keys\":");
        provider_keys_write(profile, out);
    }
    text_put(out, "}");
}

static bool all_ready(const struct conf *conf)
{
    char reason[STATUS_REASON_MAX];
    for (size_t i = 0; i < conf->profile_count; i++)
        if (!status_is_ready(conf, conf->profiles[i], reason, sizeof reason))
            return false;
    return true;
}

static void put_audit(struct audit *audit, const struct peer *peer, struct text *out)
{
    char reason[STATUS_REASON_MAX];
    bool available = audit_is_available(audit, reason, sizeof reason);
    text_put(out, "{\"available\":");
    put_bool(out, available);
    if (!available && peer_is_administrator(peer)) {
        text_put(out, ",\"reason\":");
        put_string(out, reason);
    }
    text_put(out, "}");
}

/* They would help a stranger to fill up what is left. */
static void put_connections(struct limits *limits, const struct peer *peer, struct text *out)
{
    size_t max, share;
    if (!limits || !peer_is_administrator(peer))
        return;
    limits_get(limits, &max, &share);
    text_put(out, ",\"connections\":{\"open\":");
    text_integer(out, (int64_t)limits_count(limits));
    text_put(out, ",\"limit\":");
    text_integer(out, (int64_t)max);
    text_put(out, ",\"limit_per_uid\":");
    text_integer(out, (int64_t)share);
    text_put(out, "}");
}

void status_write(const struct service *service, const struct conf *conf, const struct peer *peer,
                  struct text *out)
{
    char reason[STATUS_REASON_MAX];
    size_t count;
    struct audit *audit = service->audit;
    const struct peer_sight *sight = &service->sight;
    struct token **tokens = hsm_tokens(service->hsm, &count);
    text_put(out, "{\"version\":\"" PACKAGE_VERSION "\",\"ready\":");
    put_bool(out, audit_is_available(audit, reason, sizeof reason) && all_ready(conf));
    text_put(out, ",\"configuration\":");
    text_integer(out, conf->generation);
    text_put(out, ",\"peer_pid\":");
    put_string(out, peer_pid_name(sight->pid));
    if (sight->problem) {
        text_put(out, ",\"peer_pid_problem\":");
        put_string(out, sight->problem);
    }
    text_put(out, ",\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        put_token(tokens[i], peer, out);
    }
    text_put(out, "],\"profiles\":[");
    bool first = true;
    for (size_t i = 0; i < conf->profile_count; i++) {
        if (!policy_allows(conf->profiles[i], peer, NULL))
            continue;
        text_put(out, first ? "" : ",");
        put_profile_status(conf, sight, conf->profiles[i], out);
        first = false;
    }
    text_put(out, "],\"audit\":");
    put_audit(audit, peer, out);
    text_put(out, ",\"protections\":{");
    process_write(out);
    text_put(out, "}");
    put_connections(service->limits, peer, out);
    if (peer_is_administrator(peer)) {
        text_put(out, ",\"metrics\":");
        status_metrics_write(service, conf, out);
    }
    text_put(out, "}");
}

static void put_claims(const struct profile *profile, claim_set claims, struct text *out)
{
    bool first = true;
    text_put(out, "[");
    for (size_t i = 0; i < profile->accept_count; i++) {
        if (!(claims & (claim_set)1 << i))
            continue;
        text_put(out, first ? "" : ",");
        put_string(out, profile->accept[i].name);
        first = false;
    }
    text_put(out, "]");
}

static void put_algorithms(const struct profile *profile, struct text *out)
{
    text_put(out, ",\"algorithms\":[");
    for (size_t i = 0; i < profile->signer_count; i++) {
        text_put(out, i ? "," : "");
        put_string(out, profile->signers[i].mech->algorithm);
    }
    text_put(out, "]");
}

static void put_profile(const struct conf *conf, const struct profile *profile, struct text *out)
{
    char reason[STATUS_REASON_MAX];
    text_put(out, "{\"name\":");
    put_string(out, profile->name);
    text_put(out, ",\"kind\":");
    put_string(out, profile->kind->name);
    text_put(out, ",\"algorithm\":");
    put_string(out, profile->mech->algorithm);
    if (profile->signer_count)
        put_algorithms(profile, out);
    text_put(out, ",\"audiences\":[");
    for (size_t i = 0; i < profile->audience_count; i++) {
        text_put(out, i ? "," : "");
        put_string(out, profile->audiences[i]);
    }
    text_put(out, "],\"accept\":");
    put_claims(profile, ~(claim_set)0, out);
    text_put(out, ",\"required\":");
    put_claims(profile, profile->required, out);
    text_put(out, ",\"one_of\":[");
    for (size_t i = 0; i < profile->one_of_count; i++) {
        text_put(out, i ? "," : "");
        put_claims(profile, profile->one_of[i], out);
    }
    text_put(out, "],\"ready\":");
    put_bool(out, status_is_ready(conf, profile, reason, sizeof reason));
    text_put(out, "}");
}

void status_write_profiles(const struct conf *conf, const struct peer *peer, struct text *out)
{
    bool first = true;
    text_put(out, "{\"profiles\":[");
    for (size_t i = 0; i < conf->profile_count; i++) {
        if (!policy_allows(conf->profiles[i], peer, NULL))
            continue;
        text_put(out, first ? "" : ",");
        put_profile(conf, conf->profiles[i], out);
        first = false;
    }
    text_put(out, "]}");
}
