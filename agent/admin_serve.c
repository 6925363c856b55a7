/* Serves io.hintsign.Admin: the table of its methods, and what each has done. */
#include "config.h"
#include "agent/admin_serve.h"
#include "agent/admin_pin.h"
#include "agent/audit_event.h"
#include "agent/interface.h"
#include "agent/log.h"
#include "agent/reply.h"

#include <stdio.h>
#include <string.h>

#define PARAMETERS_MAX 2

struct call {
    struct service *service;
    struct reload *reload;
    const struct peer *peer;
    json_t *root;
    const char *token;     /* the one that is named, or NULL */
    const char *interface; /* the same */
    struct secret pin;
    struct text parameters;       /* of the reply */
    char message[CONF_ERROR_MAX]; /* of an error; "" for the usual one */
    struct refusal refusal;
};

struct admin_method {
    const char *name;
    const char *parameters[PARAMETERS_MAX + 1];
    int (*run)(struct call *call); /* 0 or a refusal_code */
};

static int refuse(struct call *call, int code, const char *subject, const char *message)
{
    snprintf(call->message, sizeof call->message, "%s%s%s", subject, *subject ? ": " : "", message);
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
    int r = reload_ask(call->reload, ADMIN_RELOAD_MS, &configuration, call->message);
    if (r < 0)
        return r;
    text_put(&call->parameters, "{\"configuration\":");
    text_integer(&call->parameters, configuration);
    text_put(&call->parameters, "}");
    return 0;
}

static int get_info(struct call *call)
{
    text_put(
        &call->parameters,
        "{\"vendor\":\"hintsign\",\"product\":\"hintsign-agent\",\"version\":\"" PACKAGE_VERSION
        "\",\"url\":\"\",\"interfaces\":[\"org.varlink.service\",\"io.hintsign.Admin\"]}");
    return 0;
}

static int get_interface(struct call *call)
{
    static const struct {
        const char *name, *text;
    } interfaces[] = {{"io.hintsign.Admin", interface_admin},
                      {"org.varlink.service", interface_service}};
    call->refusal.name = call->interface;
    for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++) {
        if (strcmp(call->interface, interfaces[i].name) != 0)
            continue;
        text_put(&call->parameters, "{\"description\":");
        put_string(&call->parameters, interfaces[i].text);
        text_put(&call->parameters, "}");
        return 0;
    }
    return REFUSAL_INTERFACE_NOT_FOUND;
}

static const struct admin_method methods[] = {
    {"io.hintsign.Admin.Unlock", {"token", "pin"}, unlock},
    {"io.hintsign.Admin.Lock", {"token"}, lock},
    {"io.hintsign.Admin.Reload", {NULL}, reload},
    {"org.varlink.service.GetInfo", {NULL}, get_info},
    {"org.varlink.service.GetInterfaceDescription", {"interface"}, get_interface},
};
#define METHODS (sizeof methods / sizeof methods[0])

const char *admin_serve_method_at(size_t index, const char *parameters[4])
{
    static const char prefix[] = "io.hintsign.Admin.";
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

/* All are strings, and one that is null counts as absent. The PIN is not there any more. */
static int take_parameters(struct call *call, const struct admin_method *method, bool pin_found)
{
    json_t *parameters = json_object_get(call->root, "parameters"), *value;
    const char *name;
    call->refusal.name = "upgrade"; /* to what? */
    if (json_is_true(json_object_get(call->root, "upgrade")))
        return REFUSAL_INVALID_PARAMETER;
    call->refusal.name = "parameters";
    if (parameters && !json_is_object(parameters))
        return REFUSAL_INVALID_PARAMETER;
    json_object_foreach(parameters, name, value)
    {
        call->refusal.name = name;
        if (!has_parameter(method, name) || (!json_is_string(value) && !json_is_null(value)))
            return REFUSAL_INVALID_PARAMETER;
        if (strcmp(name, "pin") == 0 && json_is_string(value) && (!pin_found || !call->pin.length))
            return REFUSAL_INVALID_PARAMETER;
    }
    call->token = json_string_value(json_object_get(parameters, "token"));
    call->interface = json_string_value(json_object_get(parameters, "interface"));
    call->refusal.name = "interface";
    return has_parameter(method, "interface") && !call->interface ? REFUSAL_INVALID_PARAMETER : 0;
}

static int run(struct call *call, bool pin_found)
{
    const char *name = json_string_value(json_object_get(call->root, "method"));
    if (!name)
        return REFUSAL_INVALID_ORDER;
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i].name, name) != 0)
            continue;
        int r = take_parameters(call, &methods[i], pin_found);
        return r < 0 ? r : methods[i].run(call);
    }
    call->refusal.name = name;
    return REFUSAL_METHOD_NOT_FOUND;
}

bool admin_serve(struct service *service, struct reload *reload, const struct peer *peer,
                 char *message, size_t length, struct text *reply)
{
    struct call call = {.service = service, .reload = reload, .peer = peer};
    bool found = false;
    int r = admin_pin_take(message, length, &call.pin, &found);
    if (r == 0)
        call.root = json_loadb(message, length, JSON_REJECT_DUPLICATES, NULL);
    r = json_is_object(call.root) ? run(&call, found) : REFUSAL_INVALID_ORDER;
    secret_wipe(&call.pin);
    call.refusal.message = call.message[0] ? call.message : NULL;
    bool wants_reply = !json_is_true(json_object_get(call.root, "oneway"));
    if (wants_reply && r < 0)
        reply_error(reply, r, &call.refusal);
    else if (wants_reply)
        reply_parameters(reply, &call.parameters);
    text_free(&call.parameters);
    json_decref(call.root);
    return r != REFUSAL_INVALID_ORDER;
}
