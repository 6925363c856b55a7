/* The provider, and everything that goes to OpenSSL's core: its settings in, our errors out. */
#ifndef HINTSIGN_PROVIDER_CORE_H
#define HINTSIGN_PROVIDER_CORE_H

#include "client/hintsign.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>

/* The property query for what we have others do, whatever the order of the providers is. */
#define CORE_OTHERS "provider!=hintsign"

/* Of each algorithm of ours. */
#define CORE_OURS "provider=hintsign"

struct agent;

/* One for each library context that loads the provider. */
struct provider {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_LIB_CTX *library; /* where others do what we have them do */
    struct agent *agent;   /* at the configured socket */
};

/* Our entries in the error queue. The agent's own names stand for themselves. */
enum core_reason {
    CORE_AGENT = 1, /* what has no reason of its own */
    CORE_NOT_ALLOWED,
    CORE_LOCKED,
    CORE_TOKEN_UNAVAILABLE,
    CORE_KEY_UNAVAILABLE,
    CORE_AUDIT_UNAVAILABLE,
    CORE_RATE_LIMITED,
    CORE_OVERLOADED,
    CORE_INTERNAL,
    CORE_INVALID_PARAMETER,
    CORE_UNREACHABLE,
    CORE_TIMEOUT,
    CORE_PROTOCOL,
    CORE_NO_MEMORY,
    CORE_INVALID_URI,
    CORE_NO_KEY,
    CORE_UNSUPPORTED,
    CORE_TOO_LONG,
};

/* Adds an error to the queue. Always returns 0, which is failure to OpenSSL. */
int core_error(const struct provider *provider, enum core_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for what the agent or libhintsign said about a call that concerned `what`. */
int core_agent_error(const struct provider *provider, const struct hintsign_error *error,
                     const char *what);

#endif
