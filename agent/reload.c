/* Replaces the configuration while the agent serves, and reports which profiles are ready. */
#include "config.h"
#include "agent/reload.h"
#include "agent/audit_checkpoint.h"
#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/log.h"
#include "agent/next_key.h"
#include "agent/provider_keys.h"
#include "agent/refusal.h"
#include "agent/status.h"
#include "pkcs11/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#define LINES_MAX 100 /* about profiles at once: thousands can change together */

void reload_init(struct reload *reload, struct service *service, const char *path,
                 const struct conf *first)
{
    *reload = (struct reload){.service = service, .path = path, .first = first};
    pthread_mutex_init(&reload->outcome.lock, NULL);
    pthread_cond_init(&reload->outcome.changed, NULL);
}

void reload_free(struct reload *reload)
{
    pthread_cond_destroy(&reload->outcome.changed);
    pthread_mutex_destroy(&reload->outcome.lock);
    free(reload->ready);
    conf_unref(reload->next.conf);
    conf_unref(reload->after.conf);
}

/* Whether a process can be known is a matter of this agent, not of the configuration. */
static void report_units(const struct reload *reload, const struct conf *conf)
{
    const char *problem = reload->service->sight.problem;
    for (size_t i = 0; problem && i < conf->profile_count; i++)
        if (allow_names_unit(conf->profiles[i]->allow, conf->profiles[i]->allow_count))
            log_error("profile %s: its rules by unit match nobody: %s", conf->profiles[i]->name,
                      problem);
}

static void report_profile(const struct profile *profile, bool ready, const char *reason)
{
    if (ready)
        log_info("profile %s is ready", profile->name);
    else
        log_error("profile %s is not ready: %s", profile->name, reason);
}

/* It takes nothing from the profile: whoever wants to try it looks at the status. */
static void report_next_key(const struct conf *conf, const struct profile *profile)
{
    char reason[STATUS_REASON_MAX];
    if (!next_key_is_fit(conf, profile, reason, sizeof reason))
        log_warning("profile %s: next_key: %s", profile->name, reason);
}

static void report_profiles(struct reload *reload, const struct conf *conf)
{
    char reason[STATUS_REASON_MAX];
    bool anew = conf->generation != reload->reported;
    size_t ready_count = 0, changes = 0;
    if (anew) {
        report_units(reload, conf);
        bool *list = calloc(conf->profile_count + 1, sizeof *list);
        free(reload->ready);
        reload->ready = list;
    }
    for (size_t i = 0; reload->ready && i < conf->profile_count; i++) {
        const struct profile *profile = conf->profiles[i];
        bool ready = status_is_ready(conf, profile, reason, sizeof reason);
        bool changed = anew ? !ready : ready != reload->ready[i];
        changes += changed;
        if (changed && changes <= LINES_MAX)
            report_profile(profile, ready, reason);
        if (anew && changes <= LINES_MAX)
            report_next_key(conf, profile);
        ready_count += ready;
        reload->ready[i] = ready;
    }
    if (changes > LINES_MAX)
        log_info("and %zu more profiles", changes - LINES_MAX);
    if (anew || changes)
        log_info("configuration %u: %zu of %zu profiles are ready", conf->generation, ready_count,
                 conf->profile_count);
    reload->reported = conf->generation;
}

static void refresh_keys(const struct reload *reload, const struct conf *conf)
{
    provider_keys_refresh(reload->service->jose, conf->provider_keys_dir, conf->profiles,
                          conf->profile_count);
}

void reload_report(struct reload *reload, const struct conf *conf)
{
    refresh_keys(reload, conf);
    report_profiles(reload, conf);
}

/* Tells everybody who had asked up to that one. */
static void answer(struct reload *reload, uint64_t asked, const char *error)
{
    struct reload_outcome *outcome = &reload->outcome;
    pthread_mutex_lock(&outcome->lock);
    outcome->answered = asked;
    outcome->configuration = reload->service->conf->generation;
    snprintf(outcome->error, sizeof outcome->error, "%s", error);
    pthread_cond_broadcast(&outcome->changed);
    pthread_mutex_unlock(&outcome->lock);
}

int reload_ask(struct reload *reload, long ms, unsigned *ret_configuration,
               char error[static CONF_ERROR_MAX])
{
    struct reload_outcome *outcome = &reload->outcome;
    struct timespec deadline = clock_in(ms);
    int r = REFUSAL_NOT_DONE, waited = 0;
    pthread_mutex_lock(&outcome->lock);
    uint64_t mine = ++outcome->asked;
    kill(getpid(), SIGHUP);
    while (outcome->answered < mine && !outcome->ended && waited == 0)
        waited =
            pthread_cond_clockwait(&outcome->changed, &outcome->lock, CLOCK_MONOTONIC, &deadline);
    if (outcome->answered >= mine) {
        *ret_configuration = outcome->configuration;
        snprintf(error, CONF_ERROR_MAX, "%s", outcome->error);
        r = error[0] ? REFUSAL_INVALID_CONFIGURATION : 0;
    }
    pthread_mutex_unlock(&outcome->lock);
    return r;
}

void reload_end(struct reload *reload)
{
    pthread_mutex_lock(&reload->outcome.lock);
    reload->outcome.ended = true;
    pthread_cond_broadcast(&reload->outcome.changed);
    pthread_mutex_unlock(&reload->outcome.lock);
}

/* With the old configuration. Who has asked for one that is still to come waits on. */
static void stay(struct reload *reload, bool is_asked_for, const char *error)
{
    if (reload->next.conf)
        log_error("%s; the old configuration stays until the one read before takes effect", error);
    else
        log_error("%s; the old configuration stays", error);
    audit_event_reload_failed(reload->service->keeper, reload->service->conf, error);
    if (is_asked_for)
        answer(reload, reload->begun, error);
}

static void resolve(struct reload *reload, const struct coming *coming)
{
    reload->next = *coming;
    reload->next.deadline = watch_awake() + RELOAD_SECONDS * 1000;
    hsm_adopt(reload->service->hsm, reload->service->conf->keyring, coming->conf->keyring);
}

void reload_begin(struct reload *reload)
{
    pthread_mutex_lock(&reload->outcome.lock);
    bool is_asked_for = reload->begun < reload->outcome.asked;
    reload->begun = reload->outcome.asked;
    pthread_mutex_unlock(&reload->outcome.lock);
    char error[CONF_ERROR_MAX];
    struct conf *conf = NULL;
    size_t count;
    struct token **tokens = hsm_tokens(reload->service->hsm, &count);
    if (conf_load(reload->path, &conf, error) < 0) {
        stay(reload, is_asked_for, error);
        return;
    }
    if (conf_bind(conf, reload->service->crypto, tokens, count) < 0) {
        stay(reload, is_asked_for, "out of memory");
        conf_unref(conf);
        return;
    }
    const char *member = conf_needs_restart(reload->first, conf);
    if (member)
        log_warning("%s: changed, which needs a restart", member);
    struct coming coming = {.conf = conf, .asked = reload->begun};
    if (!reload->next.conf) {
        resolve(reload, &coming);
        return;
    }
    /* If it took the place of `next`, reloads that follow each other closely would never end. */
    conf_unref(reload->after.conf);
    reload->after = coming;
}

/* A bad key file costs no key that the agent had, and what was counted goes on. */
static void inherit(const struct conf *conf, const struct conf *old)
{
    bool same_dir = strcmp(conf->provider_keys_dir, old->provider_keys_dir) == 0;
    for (size_t i = 0; i < conf->profile_count; i++) {
        struct profile *profile = conf->profiles[i];
        const struct profile *before = conf_profile(old, profile->name);
        if (!before)
            continue;
        if (same_dir)
            provider_keys_inherit(profile, before);
        metrics_counts_unref(profile->counts);
        profile->counts = metrics_counts_ref(before->counts);
    }
}

void reload_finish(struct reload *reload)
{
    struct service *service = reload->service;
    struct coming coming = reload->next;
    struct conf *conf = coming.conf;
    if (!conf || (!hsm_resolved(service->hsm, conf->keyring) && watch_awake() < coming.deadline))
        return;
    reload->next = (struct coming){0};
    conf->generation = service->conf->generation + 1;
    inherit(conf, service->conf);
    audit_event_reload(service->keeper, conf);
    refresh_keys(reload, conf);
    audit_checkpoint_adopt(service->checkpoints, conf);
    service_set_conf(service, conf);
    hsm_adopt(service->hsm, conf->keyring, NULL);
    report_profiles(reload, conf); /* who reads of it is served by it */
    if (coming.asked > reload->outcome.answered)
        answer(reload, coming.asked, "");
    if (reload->after.conf)
        resolve(reload, &reload->after);
    reload->after = (struct coming){0};
}
