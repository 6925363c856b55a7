/* Writes the agent's numbers in the text format of OpenMetrics. */
#include "config.h"
#include "client/cli/openmetrics.h"

#include <string.h>

/* One family of metrics. Info and stateset, which the older format does not have, are gauges. */
struct family {
    const char *name;
    const char *type;
    const char *unit; /* or NULL; the name ends with it */
    const char *help;
    /* Writes the samples, from what is at `path` of the reply to GetStatus: "metrics.tokens". */
    void (*write)(FILE *out, const struct family *family, const json_t *value);
    const char *path;
    const char *label;  /* write_each: of an item's name ... */
    const char *member; /* ... and where its number is */
};

static const json_t *at(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

/* What is there in objects within objects; NULL where it is not. */
static const json_t *follow(const json_t *value, const char *path)
{
    char name[32];
    while (value && *path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        value = at(value, name);
        path += length + (path[length] == '.');
    }
    return value;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(at(object, name));
    return value ? value : "";
}

static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            putc(*value, out);
    }
    putc('"', out);
}

static void put_integer(FILE *out, const char *before, const json_t *value)
{
    json_int_t number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
    fprintf(out, "%s%" JSON_INTEGER_FORMAT "\n", before, number);
}

/* A whole number has a decimal, too, as the specification wants bounds. */
static void put_seconds(FILE *out, const json_t *microseconds)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.15g", (double)json_integer_value(microseconds) / 1e6);
    fprintf(out, strpbrk(digits, ".e") ? "%s" : "%s.0", digits);
}

static void write_build(FILE *out, const struct family *family, const json_t *value)
{
    fputs(family->name, out);
    put_label(out, "{", family->label, json_is_string(value) ? json_string_value(value) : "");
    fputs("} 1\n", out);
}

static void write_number(FILE *out, const struct family *family, const json_t *value)
{
    if (!value)
        return;
    fputs(family->name, out);
    put_integer(out, " ", value);
}

static void write_each(FILE *out, const struct family *family, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item)
    {
        fputs(family->name, out);
        put_label(out, "{", family->label, text(item, "name"));
        put_integer(out, "} ", at(item, family->member));
    }
}

/* Counts by a name of their own: {"issued": 7}. */
static void put_counts(FILE *out, const struct family *family, const char *name,
                       const char *counted, const json_t *counts)
{
    const char *key;
    json_t *count;
    json_object_foreach((json_t *)counts, key, count)
    {
        fprintf(out, "%s_total", family->name);
        put_label(out, "{", family->label, name);
        put_label(out, ",", counted, key);
        put_integer(out, "} ", count);
    }
}

static void write_requests(FILE *out, const struct family *family, const json_t *value)
{
    size_t i;
    json_t *profile;
    put_counts(out, family, "", "outcome", at(value, "refused"));
    json_array_foreach(at(value, "profiles"), i, profile)
        put_counts(out, family, text(profile, "name"), "outcome", at(profile, "requests"));
}

static void write_recoveries(FILE *out, const struct family *family, const json_t *value)
{
    size_t i;
    json_t *module;
    json_array_foreach(value, i, module)
        put_counts(out, family, text(module, "name"), "rung", at(module, "recoveries"));
}

static void write_durations(FILE *out, const struct family *family, const json_t *value)
{
    const json_t *bounds = at(value, "bounds_us");
    json_int_t sum = 0;
    size_t i;
    json_t *count;
    json_array_foreach(at(value, "counts"), i, count)
    {
        sum += json_integer_value(count);
        fprintf(out, "%s_bucket{le=\"", family->name);
        if (i < json_array_size(bounds))
            put_seconds(out, json_array_get(bounds, i));
        else
            fputs("+Inf", out);
        fprintf(out, "\"} %" JSON_INTEGER_FORMAT "\n", sum);
    }
    fprintf(out, "%s_count %" JSON_INTEGER_FORMAT "\n%s_sum ", family->name, sum, family->name);
    put_seconds(out, at(value, "sum_us"));
    putc('\n', out);
}

/* 1 for the state that the token is in, 0 for the others. */
static void write_states(FILE *out, const struct family *family, const json_t *value)
{
    static const char *const states[] = {"up", "down", "locked"};
    size_t i;
    json_t *token;
    json_array_foreach(value, i, token)
    {
        for (size_t j = 0; j < sizeof states / sizeof states[0]; j++) {
            fputs(family->name, out);
            put_label(out, "{", family->label, text(token, "name"));
            put_label(out, ",", "state", states[j]);
            fprintf(out, "} %d\n", strcmp(text(token, "state"), states[j]) == 0);
        }
    }
}

/* Of keys that were fetched; one that is pinned has no end. */
static void write_fresh(FILE *out, const struct family *family, const json_t *value)
{
    size_t i, j;
    json_t *profile, *key;
    json_array_foreach(value, i, profile)
    {
        json_array_foreach(at(profile, "encryption_keys"), j, key)
        {
            if (!at(key, family->member))
                continue;
            fputs(family->name, out);
            put_label(out, "{", family->label, text(profile, "name"));
            put_label(out, ",", "issuer", text(key, "issuer"));
            put_integer(out, "} ", at(key, family->member));
        }
    }
}

/* clang-format off */
static const struct family families[] = {
    {"hintsign_build_info", "gauge", NULL,
     "1, with the version of the agent.", write_build, "version", "version", NULL},
    {"hintsign_start_time_seconds", "gauge", "seconds",
     "When the agent started, since the epoch.", write_number, "metrics.started_at", NULL, NULL},
    {"hintsign_ready", "gauge", NULL,
     "Whether the audit log and all profiles are ready.", write_number, "ready", NULL, NULL},
    {"hintsign_configuration", "gauge", NULL,
     "Number of the configuration: 1, and one more with every reload.",
     write_number, "configuration", NULL, NULL},
    {"hintsign_requests", "counter", NULL,
     "Mint and Sign by outcome; without a profile where there is none that the caller may use, and "
     "what was not understood.",
     write_requests, "metrics", "profile", NULL},
    {"hintsign_request_duration_seconds", "histogram", "seconds",
     "From taking up a request for a profile until its record is committed.",
     write_durations, "metrics.duration", NULL, NULL},
    {"hintsign_profile_ready", "gauge", NULL,
     "Whether the profile can mint or sign.", write_each, "metrics.profiles", "profile", "ready"},
    {"hintsign_encryption_key_fresh_until_timestamp_seconds", "gauge", "seconds",
     "Until when the key of the issuer serves, since the epoch; it was fetched.",
     write_fresh, "metrics.profiles", "profile", "fresh_until"},
    {"hintsign_token_state", "gauge", NULL,
     "1 for the state that the HSM token is in.", write_states, "tokens", "token", NULL},
    {"hintsign_token_sessions_open", "gauge", NULL,
     "Sessions of the HSM token that are open to sign.",
     write_each, "metrics.tokens", "token", "sessions_open"},
    {"hintsign_token_sessions_in_use", "gauge", NULL,
     "Sessions of the HSM token that sign now.",
     write_each, "metrics.tokens", "token", "sessions_in_use"},
    {"hintsign_token_sessions_limit", "gauge", NULL,
     "Sessions of the HSM token that there may be.",
     write_each, "metrics.tokens", "token", "sessions_limit"},
    {"hintsign_recoveries", "counter", NULL,
     "How often a failed call has led to recovery, by rung of the ladder.",
     write_recoveries, "metrics.modules", "module", NULL},
    {"hintsign_audit_available", "gauge", NULL,
     "Whether the audit log can be written; otherwise nothing is given out.",
     write_number, "audit.available", NULL, NULL},
    {"hintsign_audit_sequence", "gauge", NULL,
     "Number of the last record.", write_number, "metrics.audit.sequence", NULL, NULL},
    {"hintsign_audit_synced_sequence", "gauge", NULL,
     "Number of the last record on disk.",
     write_number, "metrics.audit.synced_sequence", NULL, NULL},
    {"hintsign_audit_synced_timestamp_seconds", "gauge", "seconds",
     "Since when it is there, since the epoch.",
     write_number, "metrics.audit.synced_at", NULL, NULL},
    {"hintsign_audit_size_bytes", "gauge", "bytes",
     "Length of the file of the audit log.", write_number, "metrics.audit.bytes", NULL, NULL},
    {"hintsign_connections", "gauge", NULL,
     "Connections that are open.", write_number, "connections.open", NULL, NULL},
    {"hintsign_connections_limit", "gauge", NULL,
     "Connections that there may be.", write_number, "connections.limit", NULL, NULL},
    {"hintsign_connections_per_uid_limit", "gauge", NULL,
     "Connections that one uid may have.", write_number, "connections.limit_per_uid", NULL, NULL},
    {"hintsign_workers_busy", "gauge", NULL,
     "Threads that serve a connection now, the one that tells this included.",
     write_number, "metrics.workers.busy", NULL, NULL},
    {"hintsign_workers_limit", "gauge", NULL,
     "Threads that serve connections, those in reserve included.",
     write_number, "metrics.workers.limit", NULL, NULL},
    {"hintsign_profiles_left_out", "gauge", NULL,
     "Profiles that are not in these numbers, because there are too many.",
     write_number, "metrics.profiles_left_out", NULL, NULL},
};
/* clang-format on */

bool openmetrics_has(const json_t *status)
{
    return at(status, "metrics");
}

void openmetrics_write(FILE *out, const json_t *status)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];
        fprintf(out, "# TYPE %s %s\n", family->name, family->type);
        if (family->unit)
            fprintf(out, "# UNIT %s %s\n", family->name, family->unit);
        fprintf(out, "# HELP %s %s\n", family->name, family->help);
        family->write(out, family, follow(status, family->path));
    }
    fputs("# EOF\n", out);
}
