/* Fetches each issuer when its time has come, and does what signals say. */
#include "config.h"
#include "agent/fetch/keeper.h"
#include "agent/fetch/refresh.h"
#include "agent/fetch/schedule.h"
#include "agent/fetch/settings.h"
#include "agent/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define STATUS_FAILED 1
#define WAIT_MAX      300 /* seconds; a wait does not see that the machine was asleep */

struct entry {
    const struct settings_issuer *issuer;
    unsigned failures; /* in a row */
    time_t due;        /* by CLOCK_BOOTTIME */
};

struct keeper {
    const struct keeper_options *options;
    struct settings *settings;
    struct jose *jose;
    struct refresh_means means; /* borrows from all of these */
    bool stays;
    struct entry entries[SETTINGS_ISSUERS_MAX];
};

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

/* Whether we shall end; SIGHUP can wait until a transfer is over. */
static bool is_stopping(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT);
}

static time_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time.tv_sec;
}

static uint32_t random_number(void)
{
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0)
        return 0; /* no jitter, then */
    return number;
}

static int load(struct keeper *keeper)
{
    const struct keeper_options *options = keeper->options;
    char error[SETTINGS_ERROR_MAX];
    struct settings *settings;
    if (settings_load(options->config, &settings, error) < 0) {
        log_error("%s", error);
        return -1;
    }
    settings_free(keeper->settings);
    keeper->settings = settings;
    keeper->means = (struct refresh_means){
        .http = {.ca_file = options->ca_file ? options->ca_file : settings->ca_file,
                 .proxy = options->proxy ? options->proxy : settings->proxy,
                 .seconds = options->seconds,
                 .cancelled = is_stopping},
        .jose = keeper->jose,
        .dir = settings->keys_dir,
    };
    for (size_t i = 0; i < settings->issuer_count; i++)
        keeper->entries[i] = (struct entry){.issuer = &settings->issuers[i], .due = now()};
    if (settings->issuer_count == 0)
        log_warning("nothing to fetch: no profile has \"seal\"");
    return 0;
}

static void log_success(const struct entry *entry, const struct refresh *refresh, const char *next)
{
    const char *issuer = entry->issuer->issuer;
    if (refresh->pinned)
        log_info("%s: pinned: its file has no \"fetched_at\" and stays as it is", issuer);
    else
        log_info("%s: %zu %s, %s%s%s%s", issuer, refresh->keys, refresh->keys == 1 ? "key" : "keys",
                 refresh->changed ? "changed" : "unchanged",
                 refresh->left_out[0] ? "; left out: " : "", refresh->left_out, next);
}

static int fetch(struct keeper *keeper, struct entry *entry)
{
    char error[REFRESH_ERROR_MAX], next[32] = "";
    struct refresh refresh;
    long max_stale = entry->issuer->max_stale;
    int r = refresh_issuer(&keeper->means, entry->issuer, &refresh, error);
    entry->failures = r == 0 ? 0 : entry->failures + 1;
    long seconds = r == 0 ? schedule_refresh(refresh.max_age, max_stale)
                          : schedule_retry(entry->failures, max_stale, random_number());
    entry->due = now() + seconds;
    if (keeper->stays)
        snprintf(next, sizeof next, "; next in %ld s", seconds);
    if (r == 0)
        log_success(entry, &refresh, next);
    else if (!is_stopping())
        log_error("%s: %s%s", entry->issuer->issuer, error, next);
    return r;
}

static struct entry *next_entry(struct keeper *keeper)
{
    struct entry *next = NULL;
    for (size_t i = 0; i < keeper->settings->issuer_count; i++)
        if (!next || keeper->entries[i].due < next->due)
            next = &keeper->entries[i];
    return next;
}

/* Waits for a signal, at most until the entry is due. Returns 0 when none came. */
static int wait_for_signal(const struct entry *entry)
{
    sigset_t signals;
    struct timespec timeout = {.tv_sec = WAIT_MAX};
    if (entry && entry->due - now() < WAIT_MAX)
        timeout.tv_sec = entry->due > now() ? entry->due - now() : 0;
    our_signals(&signals);
    int number = sigtimedwait(&signals, NULL, &timeout);
    return number > 0 ? number : 0;
}

static int stay(struct keeper *keeper)
{
    keeper->stays = true;
    for (;;) {
        struct entry *entry = next_entry(keeper);
        int number = wait_for_signal(entry);
        if (number == SIGTERM || number == SIGINT)
            return 0;
        if (number == SIGHUP && load(keeper) < 0)
            log_error("the old configuration stays");
        else if (number == 0 && entry && entry->due <= now())
            fetch(keeper, entry);
    }
}

static int once(struct keeper *keeper)
{
    int status = 0;
    for (size_t i = 0; i < keeper->settings->issuer_count; i++)
        if (is_stopping() || fetch(keeper, &keeper->entries[i]) < 0)
            status = STATUS_FAILED;
    return status;
}

static int run(const struct keeper_options *options, int (*work)(struct keeper *keeper))
{
    sigset_t signals;
    our_signals(&signals);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper || jose_new(NULL, &keeper->jose) < 0) {
        log_error("OpenSSL cannot be initialised");
        free(keeper);
        return STATUS_FAILED;
    }
    keeper->options = options;
    int status = load(keeper) < 0 ? STATUS_FAILED : work(keeper);
    settings_free(keeper->settings);
    jose_free(keeper->jose);
    free(keeper);
    return status;
}

int keeper_once(const struct keeper_options *options)
{
    return run(options, once);
}

int keeper_stay(const struct keeper_options *options)
{
    return run(options, stay);
}
