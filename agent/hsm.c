/* Makes modules and tokens out of the configuration and runs a prober for each module. */
#include "config.h"
#include "agent/hsm.h"
#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* What the audit log was told of a token last. */
struct recorded {
    enum token_state state;
    unsigned char keys[AUDIT_HASH_BYTES];
};

/* One module and those of the tokens that it serves. */
struct served {
    struct hsm *hsm;
    struct module *module;
    struct token *tokens[CONF_TOKENS_MAX];
    size_t token_count;
    struct recorded recorded[CONF_TOKENS_MAX]; /* their states under the lock */
    struct prober *prober;
    uint64_t resolved; /* the serial number of the newest keyring that is; under the lock */
};

struct hsm {
    struct token *tokens[CONF_TOKENS_MAX];
    size_t token_count;
    struct served modules[CONF_TOKENS_MAX];
    size_t module_count;
    pthread_mutex_t lock;
    int event_fd;
    struct audit_keeper *keeper; /* borrowed, or NULL */
    const struct crypto *crypto; /* borrowed */
};

static bool is_module(const struct module *module, const char *path, const char *registered)
{
    return path ? module->path && strcmp(module->path, path) == 0
                : module->registered && strcmp(module->registered, registered) == 0;
}

/* Tokens of one module go down and come back together, so they share it. */
static struct served *find_module(struct hsm *hsm, P11KitUri *uri, struct p11_error *error)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    const char *registered = p11_kit_uri_get_module_name(uri);
    for (size_t i = 0; i < hsm->module_count; i++)
        if (is_module(hsm->modules[i].module, path, registered))
            return &hsm->modules[i];
    struct served *served = &hsm->modules[hsm->module_count];
    if (module_new(path, registered, &served->module, error) < 0)
        return NULL;
    served->hsm = hsm;
    hsm->module_count++;
    return served;
}

static int add_token(struct hsm *hsm, const struct conf_token *conf, struct p11_error *error)
{
    struct token **token = &hsm->tokens[hsm->token_count];
    int r = token_new(conf->name, conf->uri, conf->max_sessions, conf->login, token, error);
    if (r < 0)
        return r;
    hsm->token_count++;
    struct served *served = find_module(hsm, (*token)->uri, error);
    if (!served)
        return error->code;
    served->tokens[served->token_count++] = *token;
    (*token)->module = served->module;
    /* Whoever allows a single session wants one call at a time: not every module bears more. */
    if (conf->max_sessions == 1)
        served->module->one_caller = true;
    return 0;
}

int hsm_new(const struct conf *conf, struct hsm **ret_hsm, char error[static CONF_ERROR_MAX])
{
    struct hsm *hsm = calloc(1, sizeof *hsm);
    snprintf(error, CONF_ERROR_MAX, "out of memory");
    if (!hsm)
        return -1;
    pthread_mutex_init(&hsm->lock, NULL);
    hsm->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hsm->event_fd < 0) {
        snprintf(error, CONF_ERROR_MAX, "eventfd: %s", strerror(errno));
        hsm_stop(hsm, 0);
        return -1;
    }
    for (size_t i = 0; i < conf->token_count; i++) {
        struct p11_error reason;
        if (add_token(hsm, &conf->tokens[i], &reason) == 0)
            continue;
        snprintf(error, CONF_ERROR_MAX, "token %s: %s", conf->tokens[i].name, reason.text);
        hsm_stop(hsm, 0);
        return -1;
    }
    *ret_hsm = hsm;
    return 0;
}

struct token **hsm_tokens(struct hsm *hsm, size_t *ret_count)
{
    *ret_count = hsm->token_count;
    return hsm->tokens;
}

const struct module *hsm_module(const struct hsm *hsm, size_t index)
{
    return index < hsm->module_count ? hsm->modules[index].module : NULL;
}

void hsm_record(struct hsm *hsm, struct audit_keeper *keeper, const struct crypto *crypto)
{
    hsm->keeper = keeper;
    hsm->crypto = crypto;
}

/* A state that only has another reason is no new state; a login that failed is worth its own. */
static void record_state(struct served *served, const struct token *token, enum token_state state,
                         const char *detail)
{
    struct audit_keeper *keeper = served->hsm->keeper;
    size_t i = 0;
    while (served->tokens[i] != token)
        i++;
    /* An administrator's own is recorded with his name. */
    if (state == TOKEN_LOCKED && strncmp(detail, "C_Login", 7) == 0 && !token->asked_for)
        audit_event_login(keeper, "login_failed", token->name, NULL, detail);
    pthread_mutex_lock(&served->hsm->lock);
    bool changed = served->recorded[i].state != state;
    served->recorded[i].state = state;
    pthread_mutex_unlock(&served->hsm->lock);
    if (changed)
        audit_event_token(keeper, token, state);
}

static void token_changed(void *context, struct token *token, enum token_state state,
                          const char *detail)
{
    record_state(context, token, state, detail);
    if (state == TOKEN_UP)
        log_info("token %s: up, %zu keys", token->name, token->index.count);
    else
        log_error("token %s: %s: %s", token->name, token_state_name(state), detail);
}

/* The keys that were resolved are those of this keyring; none may be ready. */
static void withdrawn(void *context, struct keyring *keyring)
{
    struct served *served = context;
    pthread_mutex_lock(&served->hsm->lock);
    served->resolved = keyring->serial;
    pthread_mutex_unlock(&served->hsm->lock);
    uint64_t one = 1;
    (void)!write(served->hsm->event_fd, &one, sizeof one);
}

/* On the prober's thread, to which the indexes of its tokens and `keys` belong. */
static void resolved(void *context, struct keyring *keyring)
{
    struct served *served = context;
    struct hsm *hsm = served->hsm;
    for (size_t i = 0; i < served->token_count; i++)
        if (token_get_state(served->tokens[i], NULL, 0) == TOKEN_UP)
            audit_event_keys(hsm->keeper, hsm->crypto, served->tokens[i], served->recorded[i].keys);
    withdrawn(served, keyring);
}

static void doubtful(void *context, const struct key *key, const struct token *token, time_t since)
{
    const struct served *served = context;
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&since, &utc))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    log_error("token %s: key %s gave a wrong answer: what it has signed since %s is doubtful",
              token->name, key->label, text);
    audit_event_doubtful(served->hsm->keeper, token, key, text);
}

static void unread(void *context, const struct token *token)
{
    const struct index *index = &token->index;
    char why[P11_ERROR_TEXT_MAX];
    (void)context;
    if (index->unread_count == 0)
        log_info("token %s: can read all its objects, %zu keys", token->name, index->count);
    else
        log_error("token %s: cannot read %zu of its objects, tries again: %s", token->name,
                  index->unread_count, p11_error_describe(&index->unread_error, why, sizeof why));
}

int hsm_start(struct hsm *hsm, struct keyring *keyring, char error[static CONF_ERROR_MAX])
{
    static const struct ladder_events events = {token_changed, resolved, withdrawn, doubtful,
                                                unread};
    for (size_t i = 0; i < hsm->module_count; i++) {
        struct served *served = &hsm->modules[i];
        struct p11_error reason;
        if (prober_start(served->module, served->tokens, served->token_count, keyring, &events,
                         served, &served->prober, &reason) < 0) {
            snprintf(error, CONF_ERROR_MAX, "%s", reason.text);
            return -1;
        }
    }
    return 0;
}

void hsm_adopt(struct hsm *hsm, struct keyring *keyring, struct keyring *next)
{
    for (size_t i = 0; i < hsm->module_count; i++)
        prober_adopt(hsm->modules[i].prober, keyring, next);
}

void hsm_share_threads(unsigned threads, const unsigned *slow, size_t count, unsigned *ret_rooms)
{
    unsigned sum = 0, slow_modules = 0, most = threads * 3 / 4;
    for (size_t i = 0; i < count; i++) {
        sum += slow[i];
        slow_modules += slow[i] > 0;
    }
    unsigned more = slow_modules && most > sum ? (most - sum) / slow_modules : 0;
    unsigned held = slow_modules ? (sum > most ? sum : most) + 1 : 0;
    unsigned rest = threads > held ? threads - held : 0;
    if (slow_modules && count > slow_modules)
        rest /= (unsigned)count - slow_modules;
    for (size_t i = 0; i < count; i++)
        ret_rooms[i] = slow[i] ? slow[i] + more : rest ? rest : 1;
}

bool hsm_look_after(struct hsm *hsm, unsigned threads, unsigned *ret_slow)
{
    unsigned slow[CONF_TOKENS_MAX], rooms[CONF_TOKENS_MAX], sum = 0;
    bool hopeful = true;
    for (size_t i = 0; i < hsm->module_count; i++) {
        int64_t lasts = prober_look_after(hsm->modules[i].prober, &slow[i]);
        if (lasts >= HSM_HOPELESS_SECONDS * 1000) {
            log_error("module %s: a call has hung for %d seconds",
                      module_name(hsm->modules[i].module), HSM_HOPELESS_SECONDS);
            hopeful = false;
        }
        sum += slow[i];
    }
    hsm_share_threads(threads, slow, hsm->module_count, rooms);
    for (size_t i = 0; i < hsm->module_count; i++)
        atomic_store(&hsm->modules[i].module->room, rooms[i]);
    *ret_slow = sum;
    return hopeful;
}

int hsm_event_fd(const struct hsm *hsm)
{
    return hsm->event_fd;
}

bool hsm_take_event(struct hsm *hsm)
{
    uint64_t count;
    return read(hsm->event_fd, &count, sizeof count) == sizeof count;
}

bool hsm_resolved(struct hsm *hsm, const struct keyring *keyring)
{
    bool all = true;
    pthread_mutex_lock(&hsm->lock);
    for (size_t i = 0; i < hsm->module_count; i++)
        all &= hsm->modules[i].resolved == keyring->serial;
    pthread_mutex_unlock(&hsm->lock);
    return all;
}

static void hsm_free(struct hsm *hsm)
{
    for (size_t i = 0; i < hsm->module_count; i++)
        module_free(hsm->modules[i].module);
    for (size_t i = 0; i < hsm->token_count; i++)
        token_free(hsm->tokens[i]);
    if (hsm->event_fd >= 0)
        close(hsm->event_fd);
    pthread_mutex_destroy(&hsm->lock);
    free(hsm);
}

bool hsm_stop(struct hsm *hsm, int seconds)
{
    if (!hsm)
        return true;
    struct timespec deadline = clock_in(seconds * 1000L);
    for (size_t i = 0; i < hsm->module_count; i++)
        if (hsm->modules[i].prober)
            prober_stop(hsm->modules[i].prober);
    for (size_t i = 0; i < hsm->module_count; i++)
        if (hsm->modules[i].prober) {
            if (!clock_join(prober_thread(hsm->modules[i].prober), &deadline))
                return false;
            prober_free(hsm->modules[i].prober);
        }
    hsm_free(hsm);
    return true;
}
