/* What the agent has counted and holds at this moment, in numbers. */
#include "config.h"
#include "agent/status_metrics.h"
#include "agent/provider_keys.h"
#include "agent/refusal.h"
#include "agent/reply.h"
#include "agent/status.h"
#include "agent/worker.h"

#include <string.h>

/* Bytes of the reply from which on profiles are left out: a reply that is too long would be none.
 * There is room for tens of thousands. */
#define PROFILES_ROOM (REPLY_PARAMETERS_MAX / 2)

static void put_string(struct text *out, const char *member, const char *value)
{
    text_put(out, member);
    text_string(out, value, strlen(value));
}

static void put_number(struct text *out, const char *member, int64_t value)
{
    text_put(out, member);
    text_integer(out, value);
}

/* The first outcome in any case, of the others those that there were. */
static void put_counts(const struct metrics_counts *counts, int first, struct text *out)
{
    for (int i = first; i < METRICS_OUTCOMES; i++) {
        uint64_t count = metrics_counted(counts, (size_t)i);
        if (count == 0 && i > first)
            continue;
        put_string(out, i > first ? "," : "{", i == 0 ? "issued" : reply_error_name(-i));
        put_number(out, ":", (int64_t)count);
    }
    text_put(out, "}");
}

static void put_times(const struct metrics *metrics, struct text *out)
{
    struct metrics_times times;
    metrics_times(metrics, &times);
    text_put(out, ",\"duration\":{\"bounds_us\":[");
    for (size_t i = 0; i < METRICS_BUCKETS - 1; i++)
        put_number(out, i ? "," : "", metrics_bound(i));
    text_put(out, "],\"counts\":[");
    for (size_t i = 0; i < METRICS_BUCKETS; i++)
        put_number(out, i ? "," : "", (int64_t)times.buckets[i]);
    put_number(out, "],\"sum_us\":", (int64_t)(times.sum / 1000));
    text_put(out, "}");
}

static void put_tokens(struct hsm *hsm, struct text *out)
{
    size_t count;
    struct token **tokens = hsm_tokens(hsm, &count);
    text_put(out, ",\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        const struct session_pool *sessions = &tokens[i]->sessions;
        unsigned open, taken;
        session_pool_count(sessions, &open, &taken);
        put_string(out, i ? ",{\"name\":" : "{\"name\":", tokens[i]->name);
        put_number(out, ",\"sessions_open\":", open);
        put_number(out, ",\"sessions_in_use\":", taken);
        put_number(out, ",\"sessions_limit\":", atomic_load(&sessions->usable));
        text_put(out, "}");
    }
    text_put(out, "]");
}

static void put_modules(const struct hsm *hsm, struct text *out)
{
    const struct module *module;
    text_put(out, ",\"modules\":[");
    for (size_t i = 0; (module = hsm_module(hsm, i)); i++) {
        put_string(out, i ? ",{\"name\":" : "{\"name\":", module_name(module));
        text_put(out, ",\"recoveries\":{");
        for (enum p11_rung rung = P11_RUNG_SESSION; rung < P11_RUNGS; rung++) {
            put_string(out, rung > P11_RUNG_SESSION ? "," : "", p11_rung_name(rung));
            put_number(out, ":", (int64_t)atomic_load(&module->climbed[rung]));
        }
        text_put(out, "}}");
    }
    text_put(out, "]");
}

static void put_audit(struct audit *audit, struct text *out)
{
    struct audit_position position;
    audit_get_position(audit, &position);
    put_number(out, ",\"audit\":{\"sequence\":", position.committed.sequence);
    put_number(out, ",\"synced_sequence\":", position.synced.sequence);
    put_number(out, ",\"bytes\":", position.committed.end);
    if (position.synced_at)
        put_number(out, ",\"synced_at\":", position.synced_at);
    text_put(out, "}");
}

static void put_profile(const struct conf *conf, const struct profile *profile, struct text *out)
{
    char reason[STATUS_REASON_MAX];
    bool ready = status_is_ready(conf, profile, reason, sizeof reason);
    put_string(out, "{\"name\":", profile->name);
    text_put(out, ready ? ",\"ready\":true" : ",\"ready\":false");
    text_put(out, ",\"requests\":");
    put_counts(profile->counts, 0, out);
    if (profile->seal) {
        text_put(out, ",\"encryption_keys\":");
        provider_keys_write(profile, out);
    }
    text_put(out, "}");
}

static void put_profiles(const struct conf *conf, struct text *out)
{
    size_t i = 0;
    text_put(out, ",\"profiles\":[");
    for (; i < conf->profile_count && out->length < PROFILES_ROOM; i++) {
        text_put(out, i ? "," : "");
        put_profile(conf, conf->profiles[i], out);
    }
    text_put(out, "]");
    if (i < conf->profile_count)
        put_number(out, ",\"profiles_left_out\":", (int64_t)(conf->profile_count - i));
}

void status_metrics_write(const struct service *service, const struct conf *conf, struct text *out)
{
    put_number(out, "{\"started_at\":", service->started_at);
    if (service->workers) {
        put_number(out, ",\"workers\":{\"busy\":", workers_busy(service->workers));
        put_number(out, ",\"limit\":", workers_threads(service->workers));
        text_put(out, "}");
    }
    put_times(&service->metrics, out);
    put_tokens(service->hsm, out);
    put_modules(service->hsm, out);
    put_audit(service->audit, out);
    text_put(out, ",\"refused\":");
    put_counts(&service->metrics.refused, -REFUSAL_NOT_ALLOWED, out);
    put_profiles(conf, out);
    text_put(out, "}");
}
