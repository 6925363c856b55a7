/* Serves io.hintsign.Admin: the table of its methods, and what each has done. */
#include "config.h"
#include "agent/admin_serve.h"
#include "agent/audit_event.h"
#include "agent/interface.h"
#include "agent/log.h"
#include "agent/reply.h"
#include "agent/request.h"

#include <stdio.h>
#include <string.h>

#define INTERFACE "io.hintsign.Admin"

struct call {
    struct service *service;
    struct reload *reload;
    struct admin_mint *mint;
    const struct peer *peer;
    char *message; /* as it came */
    size_t length;
    const struct json_value *root; /* a copy of it, parsed; NULL: it is no JSON */
    const char *token;             /* the one that is named, or NULL */
    const char *interface;         /* the same */
    struct secret pin;
    struct text *reply;
    bool replied;                 /* the line has */
    struct text parameters;       /* of the reply, otherwise */
    char problem[CONF_ERROR_MAX]; /* what an error says; "": as usual */
    struct refusal refusal;
};

struct admin_method {
    const char *name;
    const char *parameters[REQUEST_PARAMETERS_MAX + 1];
    int (*run)(struct call *call); /* 0 or a refusal_code */
    bool in_line;                  /* the line takes the parameters, and gives the reply */
};

static int refuse(struct call *call, int code, const char *subject, const char *message)
{
    snprintf(call->problem, sizeof call->problem, "%s%s%s", subject, *subject ? ": " : "", message);
    return code;
}

static void put_string(struct text *out, const char *string)
{
    text_string(out, string, strlen(string));
}

/* Who has done it; what has become of the token is told where it changes. */
static void record(const struct call *call, const char *type, const struct token *token,
                   const char *error)
{
    uid_t uid = call->peer->uid;
    audit_event_login(call->service->keeper, type, token->name, call->peer, error);
    if (error)
        log_warning("token %s: %s by uid %u: %s", token->name, type, uid, error);
    else
        log_info("token %s: %s by uid %u", token->name, type, uid);
}

static int find_token(struct call *call, struct token **ret_token)
{
    size_t count;
    struct token **tokens = hsm_tokens(call->service->hsm, &count);
    if (!call->token && count > 1)
        return refuse(call, REFUSAL_UNKNOWN_TOKEN, "",
                      "There are several tokens: one must be named.");
    for (size_t i = 0; i < count; i++) {
        if (call->token && strcmp(call->token, tokens[i]->name) != 0)
            continue;
        *ret_token = tokens[i];
        return 0;
    }
    return refuse(call, REFUSAL_UNKNOWN_TOKEN, "", "There is no token of that name.");
}

static int translate(struct call *call, const struct token *token, const struct p11_error *error)
{
    static const int codes[][2] = {
        {P11_LOCKED, REFUSAL_LOGIN_FAILED},
        {P11_UNAVAILABLE, REFUSAL_TOKEN_AWAY},
        {P11_BUSY, REFUSAL_NOT_DONE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i][0] == error->code)
            return refuse(call, codes[i][1], token->name, error->text);
    return REFUSAL_INTERNAL;
}

static int unlock(struct call *call)
{
    struct token *token = NULL;
    struct p11_error error;
    int r = find_token(call, &token);
    if (r < 0)
        return r;
    r = prober_carry_out(token->prober, token, ORDER_UNLOCK, &call->pin, ADMIN_ORDER_MS, &error);
    record(call, r == P11_LOCKED ? "login_failed" : "unlock", token, r < 0 ? error.text : NULL);
    if (r < 0)
        return translate(call, token, &error);
    text_put(&call->parameters, "{\"token\":");
    put_string(&call->parameters, token->name);
    text_put(&call->parameters, "}");
    return 0;
}

static int lock_one(struct call *call, struct token *token, bool first)
{
    struct p11_error error;
    struct secret none = {0};
    int r = prober_carry_out(token->prober, token, ORDER_LOCK, &none, ADMIN_ORDER_MS, &error);
    record(call, "lock", token, r < 0 ? error.text : NULL);
    if (r < 0)
        return translate(call, token, &error);
    text_put(&call->parameters, first ? "" : ",");
    put_string(&call->parameters, token->name);
    return 0;
}

/* One that cannot be locked now keeps no other one unlocked. */
static int lock(struct call *call)
{
    size_t count, first = 0;
    struct token **tokens = hsm_tokens(call->service->hsm, &count), *one = NULL;
    int r = call->token ? find_token(call, &one) : 0, result = r;
    if (r < 0)
        return r;
    text_put(&call->parameters, "{\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        if (one && tokens[i] != one)
            continue;
        r = lock_one(call, tokens[i], first++ == 0);
        result = r < 0 ? r : result;
    }
    text_put(&call->parameters, "]}");
    return result;
}

static int reload(struct call *call)
{
    unsigned configuration = 0;
    int r = reload_ask(call->reload, ADMIN_RELOAD_MS, &configuration, call->problem);
    if (r < 0)
        return r;
    text_put(&call->parameters, "{\"configuration\":");
    text_integer(&call->parameters, configuration);
    text_put(&call->parameters, "}");
    return 0;
}

static int mint_next(struct call *call)
{
    int r = admin_mint_run(call->mint, call->peer, call->message, call->length, ADMIN_MINT_MS,
                           call->reply);
    call->replied = r == 0;
    return r;
}

static int get_info(struct call *call)
{
    interface_write_info(INTERFACE, &call->parameters);
    return 0;
}

static int get_interface(struct call *call)
{
    call->refusal.name = call->interface;
    return interface_write_description(INTERFACE, call->interface, &call->parameters);
}

static const struct admin_method methods[] = {
    {INTERFACE ".Unlock", {"token", "pin"}, unlock, false},
    {INTERFACE ".Lock", {"token"}, lock, false},
    {INTERFACE ".Reload", {NULL}, reload, false},
    {INTERFACE ".MintNext", {"profile", "audience", "claims", "reference"}, mint_next, true},
    {"org.varlink.service.GetInfo", {NULL}, get_info, false},
    {"org.varlink.service.GetInterfaceDescription", {"interface"}, get_interface, false},
};
#define METHODS (sizeof methods / sizeof methods[0])

const char *admin_serve_method_at(size_t index, const char *parameters[REQUEST_PARAMETERS_MAX + 1])
{
    static const char prefix[] = INTERFACE ".";
    if (index >= METHODS || strncmp(methods[index].name, prefix, sizeof prefix - 1) != 0)
        return NULL;
    memcpy(parameters, methods[index].parameters, sizeof methods[index].parameters);
    return methods[index].name + sizeof prefix - 1;
}

static bool has_parameter(const struct admin_method *method, const char *name)
{
    for (size_t i = 0; method->parameters[i]; i++)
        if (strcmp(method->parameters[i], name) == 0)
            return true;
    return false;
}

static bool is_true(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_value_member(object, name);
    return value && value->type == JSON_VALUE_TRUE;
}

/* From then on it is there alone. */
static int take_pin(const struct json_value *value, struct secret *ret_pin)
{
    if (value->length == 0 || secret_reserve(ret_pin, value->length) < 0)
        return -1;
    memcpy(ret_pin->data, value->string, value->length);
    explicit_bzero(value->string, value->length);
    return 0;
}

/* All are strings, and one that is null counts as absent. */
static int take_parameters(struct call *call, const struct admin_method *method)
{
    const struct json_value *parameters = json_value_member(call->root, "parameters");
    call->refusal.name = "upgrade"; /* to what? */
    if (is_true(call->root, "upgrade"))
        return REFUSAL_INVALID_PARAMETER;
    call->refusal.name = "parameters";
    if (parameters && parameters->type != JSON_VALUE_OBJECT)
        return REFUSAL_INVALID_PARAMETER;
    const struct json_value *value = parameters ? json_value_first(parameters) : NULL;
    for (size_t i = 0; parameters && i < parameters->count; i++, value = json_value_next(value)) {
        call->refusal.name = value->name;
        if (!has_parameter(method, value->name))
            return REFUSAL_INVALID_PARAMETER;
        if (value->type != JSON_VALUE_NULL && value->type != JSON_VALUE_STRING)
            return REFUSAL_INVALID_PARAMETER;
        if (value->string && strcmp(value->name, "pin") == 0 && take_pin(value, &call->pin) < 0)
            return REFUSAL_INVALID_PARAMETER;
    }
    call->token = json_value_string(parameters, "token");
    call->interface = json_value_string(parameters, "interface");
    call->refusal.name = "interface";
    return has_parameter(method, "interface") && !call->interface ? REFUSAL_INVALID_PARAMETER : 0;
}

static int run(struct call *call)
{
    const char *name = json_value_string(call->root, "method");
    const struct admin_method *method = methods;
    if (!name)
        return REFUSAL_INVALID_ORDER;
    while (method < methods + METHODS && strcmp(method->name, name) != 0)
        method++;
    call->refusal.name = name;
    if (method == methods + METHODS)
        return REFUSAL_METHOD_NOT_FOUND;
    if (method->in_line)
        return method->run(call);
    explicit_bzero(call->message, call->length); /* the PIN does not wait here for its token */
    int r = take_parameters(call, method);
    return r < 0 ? r : method->run(call);
}

/* Unless the line has, or the caller wants none. */
static void put_reply(struct call *call, int r)
{
    if (call->replied || is_true(call->root, "oneway"))
        return;
    call->refusal.message = call->problem[0] ? call->problem : NULL;
    if (r < 0)
        reply_error(call->reply, r, &call->refusal);
    else
        reply_parameters(call->reply, &call->parameters);
}

bool admin_serve(struct service *service, struct reload *reload, struct admin_mint *mint,
                 const struct peer *peer, char *message, size_t length, struct text *reply)
{
    struct json_value values[REQUEST_VALUES_MAX];
    struct call call = {.service = service,
                        .reload = reload,
                        .mint = mint,
                        .peer = peer,
                        .message = message,
                        .length = length,
                        .reply = reply};
    _cleanup_secret_ struct secret copy = {0};
    if (secret_reserve(&copy, length) == 0) {
        memcpy(copy.data, message, length);
        if (json_value_parse((char *)copy.data, length, values, REQUEST_VALUES_MAX) == 0)
            call.root = values;
    }
    int r = run(&call);
    secret_wipe(&call.pin);
    put_reply(&call, r);
    text_free(&call.parameters);
    return r != REFUSAL_INVALID_ORDER;
}
