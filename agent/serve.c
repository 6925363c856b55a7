/* The line that every message goes along: request, policy, compose, sign, seal, audit, reply. */
#include "config.h"
#include "agent/serve.h"
#include "agent/clock.h"
#include "agent/compose.h"
#include "agent/interface.h"
#include "agent/jose/base64url.h"
#include "agent/log.h"
#include "agent/next_key.h"
#include "agent/policy.h"
#include "agent/provider_keys.h"
#include "agent/publish.h"
#include "agent/reply.h"
#include "agent/request.h"
#include "agent/status.h"
#include "pkcs11/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct conf *service_conf(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    struct conf *conf = conf_ref(service->conf);
    pthread_mutex_unlock(&service->lock);
    return conf;
}

void service_set_conf(struct service *service, struct conf *conf)
{
    pthread_mutex_lock(&service->lock);
    struct conf *old = service->conf;
    service->conf = conf;
    pthread_mutex_unlock(&service->lock);
    conf_unref(old);
}

void serve_free(struct serving *serving)
{
    audit_batch_free(&serving->audit);
    text_free(&serving->replies);
    text_free(&serving->claims);
    text_free(&serving->token);
    text_free(&serving->parameters);
    free(serving->input);
}

void serve_clear(struct serving *serving)
{
    text_clear(&serving->replies);
    serving->count = 0;
    serving->resume = 0;
    serving->start = clock_ns();
}

/* One call on its way along the line. */
struct call {
    struct serving *serving;
    const struct conf *conf;
    const struct peer *peer;
    struct verdict verdict;
    struct composed composed;                    /* of Mint */
    unsigned char digest[CRYPTO_DIGEST_MAX];     /* of Sign: of what was signed ... */
    unsigned char signature[MECH_SIGNATURE_MAX]; /* ... and what came of it */
    size_t signature_len;
    struct refusal refusal;
    int64_t id;
    struct request request;
};

static int compose(struct call *call)
{
    const struct profile *profile = call->verdict.profile;
    unsigned char random[COMPOSE_JTI_BYTES] = {0};
    int r = compose_prepare_header(profile, call->serving->service->jose, &call->refusal);
    if (r < 0)
        return r;
    if (compose_wants_random(profile) && getrandom(random, sizeof random, 0) != sizeof random)
        return REFUSAL_INTERNAL;
    return compose_token(&call->verdict, time(NULL), random, &call->serving->claims,
                         &call->serving->token, &call->composed);
}

/* A token may bound the length of what it signs: to try the same again does not help. */
static int refuse_data(struct call *call)
{
    if (call->request.method != METHOD_SIGN) {
        call->refusal.message = "The HSM token does not sign a token with these claims: they may "
                                "be too long.";
        return REFUSAL_INVALID_CLAIM;
    }
    call->refusal.name = "data";
    return REFUSAL_INVALID_PARAMETER;
}

static int from_p11(struct call *call, int code, const struct p11_error *error)
{
    p11_error_describe(error, call->refusal.detail, sizeof call->refusal.detail);
    if (code == P11_FAILED) /* where its key answers well, nothing else tells */
        log_error("request failed: %s", call->refusal.detail);
    return code == P11_DATA ? refuse_data(call) : refusal_from_p11(code);
}

/* Makes the signing input a JWS in compact serialization (RFC 7515 section 7.1). */
static int sign(struct call *call)
{
    struct text *token = &call->serving->token;
    struct p11_error error;
    int r = sign_run(call->verdict.key, token->data, token->length, call->serving->number,
                     call->signature, &call->signature_len, &error);
    if (r < 0)
        return from_p11(call, r, &error);
    size_t length = BASE64URL_LENGTH(call->signature_len);
    text_put(token, ".");
    char *place = text_reserve(token, length);
    if (!place)
        return REFUSAL_INTERNAL;
    base64url_encode(call->signature, call->signature_len, place);
    token->length += length;
    return 0;
}

/* Signs what the caller gave: the digest, his or ours, or, with EdDSA, the data. */
static int sign_given(struct call *call)
{
    const struct signer *signer = call->verdict.signer;
    const struct bytes *data = &call->request.data, *digest = &call->request.digest;
    unsigned hint = call->serving->number;
    struct p11_error error;
    int r;
    if (digest->data)
        memcpy(call->digest, digest->data, digest->length);
    else if (!crypto_digest(call->serving->service->crypto, signer->mech, data->data, data->length,
                            call->digest))
        return REFUSAL_INTERNAL;
    if (signer->mech->family == MECH_EDDSA)
        r = sign_run(signer->key, data->data, data->length, hint, call->signature,
                     &call->signature_len, &error);
    else
        r = sign_hash(signer->key, call->digest, hint, call->signature, &call->signature_len,
                      &error);
    return r < 0 ? from_p11(call, r, &error) : 0;
}

static int seal(struct call *call)
{
    const struct verdict *verdict = &call->verdict;
    if (!verdict->profile->seal)
        return 0;
    return provider_keys_seal(verdict->profile, verdict->audience, time(NULL),
                              &call->serving->token, &call->refusal);
}

static void describe_token(const struct call *call, int r, struct audit_record *record)
{
    const struct profile *profile = call->verdict.profile;
    record->algorithm = profile->mech->algorithm;
    record->kid = compose_kid(profile);
    if (r != REFUSAL_UNKNOWN_AUDIENCE && r != REFUSAL_RATE_LIMITED)
        record->audience = profile->audiences[call->verdict.audience];
    if (r == 0) {
        record->jti = call->composed.jti[0] ? call->composed.jti : NULL;
        record->token = call->serving->token.data;
        record->token_length = call->serving->token.length;
    }
}

static void describe_signature(const struct call *call, int r, struct audit_record *record)
{
    const struct signer *signer = call->verdict.signer;
    record->algorithm = signer ? signer->mech->algorithm : NULL;
    if (r == 0 && signer) {
        record->digest = call->digest;
        record->digest_length = mech_hash_at(signer->mech->digest)->length;
    }
}

/* What the caller got, or why nobody can tell who he is: he himself is told NotAllowed. */
static const char *recorded_error(const struct call *call, int r)
{
    if (r == REFUSAL_NOT_ALLOWED && !call->peer->identified)
        return "Unidentified";
    return r < 0 ? reply_error_name(r) : NULL;
}

/* Every decision is recorded, also those against the caller. A name that no profile can have is
 * not: it would be his text in our log. */
static int record(struct call *call, int r)
{
    const struct request *request = &call->request;
    const struct profile *profile = call->verdict.profile;
    struct audit_record record = {.type = request->method == METHOD_SIGN ? "sign" : "mint",
                                  .peer = call->peer,
                                  .configuration = call->conf->generation,
                                  .reference = request->reference,
                                  .error = recorded_error(call, r)};
    if (profile_is_name(request->profile, strlen(request->profile)))
        record.profile = request->profile;
    if (profile) {
        const struct signer *signer = call->verdict.signer;
        const struct key *key = signer ? signer->key : call->verdict.key;
        record.next_key = request->method == METHOD_MINT_NEXT;
        record.allowed = !record.next_key;
        record.allow = call->verdict.allow;
        if (key && key_is_named(key)) {
            record.key = key->label;
            record.key_digest = key->digest;
        }
        if (profile->kind->signs_data)
            describe_signature(call, r, &record);
        else if (request->method != METHOD_SIGN)
            describe_token(call, r, &record);
    }
    return audit_append(call->serving->service->audit, &call->serving->audit, &record, &call->id);
}

/* Every request that a profile allows counts, whatever becomes of it: each has its record. */
static int limit_rate(struct call *call)
{
    const struct profile *profile = call->verdict.profile;
    struct caller caller = caller_of(call->peer);
    int64_t wait = rate_take(call->serving->service->rates, profile->name, &profile->rate_limit,
                             &caller, clock_ns());
    if (wait == 0)
        return 0;
    call->refusal = (struct refusal){.retry_after_ms = wait};
    return REFUSAL_RATE_LIMITED;
}

/* Whether the decision is recorded. Refusals that cost a caller nothing, not even his share of a
 * profile, must not fill the disk of the log; an administrator could do so anyway. */
static bool is_recorded(struct call *call, int r)
{
    struct caller caller = caller_of(call->peer);
    if (call->request.method == METHOD_MINT_NEXT)
        return true;
    if (call->verdict.profile && r != REFUSAL_RATE_LIMITED)
        return true;
    return flood_note(call->serving->service->flood, &caller, clock_ms(), &call->serving->resume);
}

/* Whoever tries a key is told what is wrong with it. */
static int check_next_key(struct call *call)
{
    struct refusal *refusal = &call->refusal;
    struct key *key = call->verdict.key;
    struct p11_error error;
    if (next_key_is_fit(call->conf, call->verdict.profile, refusal->detail, sizeof refusal->detail))
        return 0;
    refusal->message = refusal->detail;
    return refusal_from_p11(atomic_load(&key->ready) ? P11_KEY : sign_why_not(key, &error));
}

static int mint(struct call *call)
{
    int r = call->request.method == METHOD_MINT_NEXT ? check_next_key(call) : 0;
    if (r == 0)
        r = compose(call);
    if (r == 0)
        r = sign(call);
    if (r == 0)
        r = seal(call);
    return r;
}

static void reply(struct call *call)
{
    struct text *replies = &call->serving->replies;
    const struct text *token = &call->serving->token;
    const struct profile *profile = call->verdict.profile;
    bool next = call->request.method == METHOD_MINT_NEXT;
    if (call->request.method == METHOD_SIGN)
        reply_signature(replies, call->signature, call->signature_len, call->id);
    else
        reply_token(replies, token->data, token->length, call->composed.expires_at,
                    compose_kid(profile), next ? profile->kind->name : NULL, call->id);
}

/* The methods that give out a token or a signature. */
static int give(struct call *call)
{
    int r = policy_check(call->conf, call->peer, &call->request, &call->verdict, &call->refusal);
    if (call->verdict.profile && limit_rate(call) < 0)
        r = REFUSAL_RATE_LIMITED;
    if (r == 0)
        r = call->request.method == METHOD_SIGN ? sign_given(call) : mint(call);
    if (!is_recorded(call, r))
        return r;
    int recorded = record(call, r);
    if (recorded < 0)
        return recorded;
    call->serving->answers[call->serving->count].recorded = true;
    if (r == 0)
        reply(call);
    return r;
}

static int refuse_length(struct call *call)
{
    text_free(&call->serving->parameters); /* such a length is not worth keeping */
    call->refusal.message = "The reply would be longer than 16 MiB, or than there is memory.";
    snprintf(call->refusal.detail, sizeof call->refusal.detail, "the reply is too long");
    return REFUSAL_INTERNAL;
}

/* The methods that give out nothing: what they show depends on the caller, and is not recorded. */
static int tell(struct call *call)
{
    struct serving *serving = call->serving;
    struct text *parameters = &serving->parameters;
    int r = 0;
    text_clear(parameters);
    parameters->limit = REPLY_PARAMETERS_MAX;
    switch (call->request.method) {
    case METHOD_GET_KEYS:
        r = call->request.audit
                ? publish_audit_key(serving->service->jose, call->conf, parameters, &call->refusal)
                : publish_keys(serving->service->jose, call->conf, call->peer,
                               call->request.profile, parameters, &call->refusal);
        break;
    case METHOD_LIST_PROFILES:
        status_write_profiles(call->conf, call->peer, parameters);
        break;
    case METHOD_GET_STATUS:
        status_write(serving->service, call->conf, call->peer, parameters);
        break;
    case METHOD_GET_INFO:
        interface_write_info(VARLINK_INTERFACE, parameters);
        break;
    case METHOD_GET_INTERFACE_DESCRIPTION:
        r = interface_write_description(VARLINK_INTERFACE, call->request.interface, parameters);
        call->refusal.name = call->request.interface;
        break;
    default:
        r = REFUSAL_INTERNAL;
    }
    if (r == 0 && parameters->failed)
        return refuse_length(call);
    if (r == 0)
        reply_parameters(&serving->replies, parameters);
    return r;
}

static bool gives(enum method method)
{
    return method == METHOD_MINT || method == METHOD_MINT_NEXT || method == METHOD_SIGN;
}

/* Whoever may not use a profile has no number of his own: he could make up names. */
static struct metrics_counts *counts_of(const struct call *call)
{
    const struct profile *profile = call->verdict.profile;
    return profile ? profile->counts : &call->serving->service->metrics.refused;
}

typedef int parse_message(char *message, size_t length, struct request *request,
                          struct refusal *refusal);

static bool serve(struct serving *serving, const struct conf *conf, const struct peer *peer,
                  char *message, size_t length, parse_message *parse)
{
    struct call call;
    memset(&call, 0, offsetof(struct call, request)); /* that is request_parse's */
    call.serving = serving;
    call.conf = conf;
    call.peer = peer;
    struct answer *answer = &serving->answers[serving->count];
    size_t start = serving->replies.length;
    *answer = (struct answer){0};
    int r = parse(message, length, &call.request, &call.refusal);
    bool tells = r == 0 && !gives(call.request.method);
    if (r == 0)
        r = tells ? tell(&call) : give(&call);
    if (r < 0)
        reply_error(&serving->replies, r, &call.refusal);
    if (r == REFUSAL_INTERNAL)
        log_error("request failed: %s", call.refusal.detail);
    answer->counts = tells ? NULL : counts_of(&call);
    answer->code = r;
    answer->oneway = call.request.oneway;
    if (answer->oneway)
        serving->replies.length = start;
    answer->end = serving->replies.length;
    serving->count++;
    return r != REFUSAL_INVALID_MESSAGE;
}

bool serve_message(struct serving *serving, const struct conf *conf, const struct peer *peer,
                   char *message, size_t length)
{
    return serve(serving, conf, peer, message, length, request_parse);
}

bool serve_admin(struct serving *serving, const struct conf *conf, const struct peer *peer,
                 char *message, size_t length)
{
    return serve(serving, conf, peer, message, length, request_parse_next);
}

/* No token without a record: what stands for one becomes an error. */
static void withdraw(struct serving *serving)
{
    struct text replies = {0};
    size_t start = 0;
    for (size_t i = 0; i < serving->count; i++) {
        const struct answer *answer = &serving->answers[i];
        if (!answer->recorded)
            text_add(&replies, serving->replies.data + start, answer->end - start);
        else if (!answer->oneway)
            reply_error(&replies, REFUSAL_AUDIT_UNAVAILABLE, &(struct refusal){0});
        start = answer->end;
    }
    replies.failed |= serving->replies.failed; /* then the answers are not whole */
    text_free(&serving->replies);
    serving->replies = replies;
}

/* All requests of a batch end together, so they took equally long. Those that cost nothing but a
 * refusal are not timed: a flood of them would make the others look fast. */
static void count(struct serving *serving, bool lost)
{
    struct metrics *metrics = &serving->service->metrics;
    unsigned timed = 0;
    for (size_t i = 0; i < serving->count; i++) {
        const struct answer *answer = &serving->answers[i];
        if (!answer->counts)
            continue;
        metrics_count(answer->counts,
                      lost && answer->recorded ? REFUSAL_AUDIT_UNAVAILABLE : answer->code);
        timed += answer->counts != &metrics->refused;
    }
    if (timed)
        metrics_time(metrics, serving->number, clock_ns() - serving->start, timed);
}

void serve_commit(struct serving *serving)
{
    bool lost = audit_commit(serving->service->audit, &serving->audit) < 0;
    if (lost)
        withdraw(serving);
    count(serving, lost);
}
