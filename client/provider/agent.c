/* Asks an agent, and keeps the connections to it. */
#include "config.h"
#include "client/provider/agent.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS 64 /* that are kept; more threads than this make theirs anew each time */

/* An agent that is restarted is away for a moment. */
#define PATIENCE_MS 5000
#define PAUSE_MS    20

/* No lock guards the connections, so that after a fork the child finds none held. */
struct agent {
    _Atomic unsigned references;
    char *path;          /* or NULL */
    atomic_bool reached; /* it answered, so it is worth waiting for */
    _Atomic(struct hintsign *) idle[CONNECTIONS];
};

struct agent *agent_new(const char *path)
{
    struct agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        return NULL;
    atomic_store(&agent->references, 1);
    agent->path = path ? strdup(path) : NULL;
    if (!path == !agent->path)
        return agent;
    free(agent);
    return NULL;
}

struct agent *agent_ref(struct agent *agent)
{
    atomic_fetch_add(&agent->references, 1);
    return agent;
}

void agent_unref(struct agent *agent)
{
    if (!agent || atomic_fetch_sub(&agent->references, 1) > 1)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        hintsign_close(atomic_load(&agent->idle[i]));
    free(agent->path);
    free(agent);
}

static int take(struct agent *agent, struct hintsign **ret_handle)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct hintsign *handle = atomic_load_explicit(&agent->idle[i], memory_order_relaxed);
        if (handle && (handle = atomic_exchange(&agent->idle[i], NULL))) {
            *ret_handle = handle;
            return HINTSIGN_OK;
        }
    }
    return hintsign_open(agent->path, ret_handle);
}

static void give_back(struct agent *agent, struct hintsign *handle)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct hintsign *none = NULL;
        if (atomic_compare_exchange_strong(&agent->idle[i], &none, handle))
            return;
    }
    hintsign_close(handle);
}

/* A question to the agent, and where its answer goes. */
struct question {
    int (*ask)(struct hintsign *handle, const struct question *question);
    const char *profile; /* of keys; or NULL */
    char **ret_json;
    const struct hintsign_sign_request *request; /* of a signature */
    struct hintsign_signature **ret_signature;
};

static int ask_signature(struct hintsign *handle, const struct question *question)
{
    return hintsign_sign(handle, question->request, question->ret_signature);
}

static int ask_keys(struct hintsign *handle, const struct question *question)
{
    return hintsign_keys(handle, question->profile, question->ret_json);
}

static int ask_profiles(struct hintsign *handle, const struct question *question)
{
    return hintsign_profiles(handle, question->ret_json);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for an agent that was there before. When it does not come back, the next one who asks
 * hears so at once. */
static int ask_patiently(struct agent *agent, struct hintsign *handle,
                         const struct question *question)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    int64_t deadline = now_ms() + PATIENCE_MS;
    int code;
    while ((code = question->ask(handle, question)) == HINTSIGN_UNREACHABLE &&
           atomic_load(&agent->reached)) {
        if (now_ms() >= deadline)
            atomic_store(&agent->reached, false);
        else
            nanosleep(&pause, NULL);
    }
    if (code == HINTSIGN_OK)
        atomic_store(&agent->reached, true);
    return code;
}

static int ask(const struct provider *provider, struct agent *agent,
               const struct question *question)
{
    const char *profile = question->request ? question->request->profile : question->profile;
    struct hintsign *handle;
    int code = take(agent, &handle);
    if (code < 0) {
        bool memory = code == HINTSIGN_NO_MEMORY;
        return core_error(provider, memory ? CORE_NO_MEMORY : CORE_INVALID_URI, "%s",
                          memory ? "" : "the path of the socket is empty or too long");
    }
    code = ask_patiently(agent, handle, question);
    if (code < 0)
        core_agent_error(provider, hintsign_last_error(handle), profile ? profile : "profiles");
    give_back(agent, handle);
    return code == HINTSIGN_OK;
}

int agent_sign(const struct provider *provider, struct agent *agent,
               const struct hintsign_sign_request *request,
               struct hintsign_signature **ret_signature)
{
    struct question question = {
        .ask = ask_signature, .request = request, .ret_signature = ret_signature};
    return ask(provider, agent, &question);
}

int agent_keys(const struct provider *provider, struct agent *agent, const char *profile,
               char **ret_json)
{
    struct question question = {.ask = ask_keys, .profile = profile, .ret_json = ret_json};
    return ask(provider, agent, &question);
}

int agent_profiles(const struct provider *provider, struct agent *agent, char **ret_json)
{
    struct question question = {.ask = ask_profiles, .ret_json = ret_json};
    return ask(provider, agent, &question);
}
