/* The only file that speaks to OpenSSL's core: what the provider is asked for at its door. */
#include "config.h"
#include "client/provider/core.h"
#include "client/provider/agent.h"
#include "client/provider/operations.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/prov_ssl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Names of the agent's and of libhintsign's errors, and what the queue shows for the others. */
static const OSSL_ITEM reasons[] = {
    {CORE_AGENT, "the agent refused"},
    {CORE_NOT_ALLOWED, "NotAllowed"},
    {CORE_LOCKED, "Locked"},
    {CORE_TOKEN_UNAVAILABLE, "TokenUnavailable"},
    {CORE_KEY_UNAVAILABLE, "KeyUnavailable"},
    {CORE_AUDIT_UNAVAILABLE, "AuditUnavailable"},
    {CORE_RATE_LIMITED, "RateLimited"},
    {CORE_OVERLOADED, "Overloaded"},
    {CORE_INTERNAL, "Internal"},
    {CORE_INVALID_PARAMETER, "InvalidParameter"},
    {CORE_UNREACHABLE, "Unreachable"},
    {CORE_TIMEOUT, "Timeout"},
    {CORE_PROTOCOL, "Protocol"},
    {CORE_NO_MEMORY, "NoMemory"},
    {CORE_INVALID_URI, "not a URI of hintsign"},
    {CORE_NO_KEY, "no usable key"},
    {CORE_UNSUPPORTED, "not supported by hintsign"},
    {CORE_TOO_LONG, "too long"},
    {0, NULL},
};

static int add_error(const struct provider *provider, enum core_reason reason, const char *format,
                     va_list arguments)
{
    provider->new_error(provider->handle);
    provider->vset_error(provider->handle, reason, format, arguments);
    return 0;
}

int core_error(const struct provider *provider, enum core_reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_error(provider, reason, format, arguments);
    va_end(arguments);
    return 0;
}

int core_agent_error(const struct provider *provider, const struct hintsign_error *error,
                     const char *what)
{
    for (const OSSL_ITEM *reason = reasons; reason->ptr; reason++)
        if (strcmp(reason->ptr, error->name) == 0)
            return core_error(provider, (enum core_reason)reason->id, "%s: %s", what,
                              error->message);
    return core_error(provider, CORE_AGENT, "%s: %s: %s", what, error->name, error->message);
}

static const OSSL_ITEM *get_reasons(void *provctx)
{
    (void)provctx;
    return reasons;
}

static const OSSL_PARAM *gettable_params(void *provctx)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };
    (void)provctx;
    return params;
}

static int set_text(OSSL_PARAM *params, const char *name, const char *text)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return !param || OSSL_PARAM_set_utf8_ptr(param, text);
}

static int get_params(void *provctx, OSSL_PARAM params[])
{
    (void)provctx;
    OSSL_PARAM *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return set_text(params, OSSL_PROV_PARAM_NAME, "keys of hintsign-agent") &&
           set_text(params, OSSL_PROV_PARAM_VERSION, PACKAGE_VERSION) &&
           set_text(params, OSSL_PROV_PARAM_BUILDINFO, PACKAGE_STRING) &&
           (!status || OSSL_PARAM_set_int(status, 1));
}

static const OSSL_ALGORITHM *query_operation(void *provctx, int operation, int *no_cache)
{
    (void)provctx;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_STORE:
        return store_algorithms;
    case OSSL_OP_KEYMGMT:
        return keymgmt_algorithms;
    case OSSL_OP_SIGNATURE:
        return signature_algorithms;
    case OSSL_OP_ENCODER:
        return encoder_algorithms;
    default:
        return NULL;
    }
}

static void teardown(void *provctx)
{
    struct provider *provider = provctx;
    if (!provider)
        return;
    agent_unref(provider->agent);
    OSSL_LIB_CTX_free(provider->library);
    free(provider);
}

static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation},
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))get_reasons},
    {0, NULL},
};

/* `socket` of our section in openssl.cnf, or NULL: libhintsign knows where else to look. */
static const char *configured_socket(const OSSL_CORE_HANDLE *handle,
                                     OSSL_FUNC_core_get_params_fn *core_get_params)
{
    char *path = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr("socket", &path, 0), OSSL_PARAM_END};
    if (core_get_params && core_get_params(handle, params) != 1)
        return NULL;
    return path;
}

static OSSL_FUNC_core_get_params_fn *take_core(struct provider *provider, const OSSL_DISPATCH *core)
{
    OSSL_FUNC_core_get_params_fn *core_get_params = NULL;
    for (; core->function_id; core++) {
        if (core->function_id == OSSL_FUNC_CORE_NEW_ERROR)
            provider->new_error = OSSL_FUNC_core_new_error(core);
        else if (core->function_id == OSSL_FUNC_CORE_VSET_ERROR)
            provider->vset_error = OSSL_FUNC_core_vset_error(core);
        else if (core->function_id == OSSL_FUNC_CORE_GET_PARAMS)
            core_get_params = OSSL_FUNC_core_get_params(core);
    }
    return core_get_params;
}

/* Connects to nothing: that is left to the first operation. */
__attribute__((visibility("default"))) OSSL_provider_init_fn OSSL_provider_init;
int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                       const OSSL_DISPATCH **out, void **provctx)
{
    struct provider *provider = calloc(1, sizeof *provider);
    if (!provider)
        return 0;
    OSSL_FUNC_core_get_params_fn *core_get_params = take_core(provider, in);
    provider->handle = handle;
    provider->agent = agent_new(configured_socket(handle, core_get_params));
    provider->library = OSSL_LIB_CTX_new_child(handle, in);
    if (!provider->agent || !provider->library || !provider->new_error || !provider->vset_error) {
        teardown(provider);
        return 0;
    }
    *out = functions;
    *provctx = provider;
    return 1;
}
