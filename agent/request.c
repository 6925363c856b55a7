/* Turns a message into a const struct request: the table of methods and their parameters. */
#include "config.h"
#include "agent/request.h"
#include "agent/base64.h"

#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 5

struct parameter {
    const char *name;
    bool required;
    int (*take)(json_t *value, struct request *request); /* -1: not acceptable */
};

struct method_row {
    const char *name;
    enum method method;
    struct parameter parameters[PARAMETERS_MAX];
    const char *(*mistake)(const struct request *request); /* the parameter at fault, or NULL */
};

static int take_string(json_t *value, const char **ret_string)
{
    *ret_string = json_string_value(value);
    return *ret_string ? 0 : -1;
}

static int take_profile(json_t *value, struct request *request)
{
    return take_string(value, &request->profile);
}

static int take_audience(json_t *value, struct request *request)
{
    return take_string(value, &request->audience);
}

static int take_interface(json_t *value, struct request *request)
{
    return take_string(value, &request->interface);
}

static int take_algorithm(json_t *value, struct request *request)
{
    return take_string(value, &request->algorithm);
}

static int take_bytes(json_t *value, struct bytes *ret_bytes)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    if (!text || length > BASE64_LENGTH(REQUEST_DATA_MAX))
        return -1;
    return base64_decode(text, length, &ret_bytes->data, &ret_bytes->length);
}

static int take_data(json_t *value, struct request *request)
{
    return take_bytes(value, &request->data);
}

static int take_digest(json_t *value, struct request *request)
{
    return take_bytes(value, &request->digest);
}

/* Exactly one of them is signed. */
static const char *data_or_digest(const struct request *request)
{
    if (request->data.data && request->digest.data)
        return "digest";
    return request->data.data || request->digest.data ? NULL : "data";
}

static int take_reference(json_t *value, struct request *request)
{
    if (take_string(value, &request->reference) < 0)
        return -1;
    size_t length = json_string_length(value);
    for (size_t i = 0; i < length; i++)
        if (request->reference[i] < 0x20 || request->reference[i] > 0x7e)
            return -1;
    return length <= REQUEST_REFERENCE_MAX ? 0 : -1;
}

static struct claim read_claim(const char *name, json_t *value)
{
    return (struct claim){.name = name,
                          .value = json_string_value(value),
                          .length = json_string_length(value),
                          .is_integer = json_is_integer(value),
                          .is_boolean = json_is_boolean(value),
                          .is_object = json_is_object(value),
                          .integer = json_is_boolean(value) ? json_is_true(value)
                                                            : json_integer_value(value)};
}

/* Members that are objects or arrays themselves fit no form: they stay values without a type. */
static int take_members(json_t *object, struct request *request, struct claim *claim)
{
    const char *name;
    json_t *value;
    claim->members = request->members + request->member_count;
    claim->member_count = json_object_size(object);
    if (claim->member_count > REQUEST_CLAIMS_MAX - request->member_count)
        return -1;
    json_object_foreach(object, name, value)
    {
        struct claim member = read_claim(name, value);
        member.is_object = false;
        request->members[request->member_count++] = member;
    }
    return 0;
}

static int take_claims(json_t *value, struct request *request)
{
    if (!json_is_object(value) || json_object_size(value) > REQUEST_CLAIMS_MAX)
        return -1;
    const char *name;
    json_t *member;
    json_object_foreach(value, name, member)
    {
        struct claim *claim = &request->claims[request->claim_count++];
        *claim = read_claim(name, member);
        if (claim->is_object && take_members(member, request, claim) < 0)
            return -1;
    }
    return 0;
}

static const struct method_row methods[] = {
    {"io.hintsign.Agent.Mint",
     METHOD_MINT,
     {{"profile", true, take_profile},
      {"audience", false, take_audience},
      {"claims", false, take_claims},
      {"reference", false, take_reference}},
     NULL},
    {"io.hintsign.Agent.Sign",
     METHOD_SIGN,
     {{"profile", true, take_profile},
      {"algorithm", true, take_algorithm},
      {"data", false, take_data},
      {"digest", false, take_digest},
      {"reference", false, take_reference}},
     data_or_digest},
    {"io.hintsign.Agent.GetKeys", METHOD_GET_KEYS, {{"profile", false, take_profile}}, NULL},
    {"io.hintsign.Agent.ListProfiles", METHOD_LIST_PROFILES, {{0}}, NULL},
    {"io.hintsign.Agent.GetStatus", METHOD_GET_STATUS, {{0}}, NULL},
    {"org.varlink.service.GetInfo", METHOD_GET_INFO, {{0}}, NULL},
    {"org.varlink.service.GetInterfaceDescription",
     METHOD_GET_INTERFACE_DESCRIPTION,
     {{"interface", true, take_interface}},
     NULL},
};
#define METHODS (sizeof methods / sizeof methods[0])

const char *request_method_at(size_t index, const char *parameters[8])
{
    static const char prefix[] = "io.hintsign.Agent.";
    if (index >= METHODS || strncmp(methods[index].name, prefix, sizeof prefix - 1) != 0)
        return NULL;
    size_t i = 0;
    for (; i < PARAMETERS_MAX && methods[index].parameters[i].name; i++)
        parameters[i] = methods[index].parameters[i].name;
    parameters[i] = NULL;
    return methods[index].name + sizeof prefix - 1;
}

/* jansson's own limit is far beyond what its recursion costs us. */
static bool is_too_deep(const char *message, size_t length)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = message[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > REQUEST_DEPTH_MAX)
            return true;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return false;
}

static int refuse(struct refusal *refusal, int code, const char *name)
{
    refusal->name = name;
    return code;
}

/* How many characters of a method's name are its interface's; 0 where it has none. */
static size_t interface_length(const char *method)
{
    const char *dot = strrchr(method, '.');
    return dot ? (size_t)(dot - method) : 0;
}

/* A method that does not exist: of an interface of ours, or of another one? */
static int not_found(json_t *method, struct refusal *refusal)
{
    const char *name = json_string_value(method);
    size_t length = interface_length(name);
    for (size_t i = 0; i < METHODS; i++)
        if (interface_length(methods[i].name) == length &&
            strncmp(methods[i].name, name, length) == 0)
            return refuse(refusal, REFUSAL_METHOD_NOT_FOUND, name);
    json_string_setn(method, name, length);
    return refuse(refusal, REFUSAL_INTERFACE_NOT_FOUND, json_string_value(method));
}

static const struct method_row *find_method(const char *name)
{
    for (size_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

static const struct parameter *find_parameter(const struct method_row *method, const char *name)
{
    for (size_t i = 0; i < PARAMETERS_MAX && method->parameters[i].name; i++)
        if (strcmp(method->parameters[i].name, name) == 0)
            return &method->parameters[i];
    return NULL;
}

/* An optional parameter that is null counts as absent. */
static int take_parameters(const struct method_row *method, json_t *parameters,
                           struct request *request, struct refusal *refusal)
{
    if (parameters && !json_is_object(parameters))
        return refuse(refusal, REFUSAL_INVALID_PARAMETER, "parameters");
    const char *name;
    json_t *value;
    json_object_foreach(parameters, name, value)
    {
        const struct parameter *parameter = find_parameter(method, name);
        if (parameter && !parameter->required && json_is_null(value))
            continue;
        if (!parameter || parameter->take(value, request) < 0)
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, name);
    }
    for (size_t i = 0; i < PARAMETERS_MAX && method->parameters[i].name; i++)
        if (method->parameters[i].required &&
            !json_object_get(parameters, method->parameters[i].name))
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, method->parameters[i].name);
    const char *mistake = method->mistake ? method->mistake(request) : NULL;
    return mistake ? refuse(refusal, REFUSAL_INVALID_PARAMETER, mistake) : 0;
}

/* The call's own switches. `more` is answered with a single reply, as Varlink allows; there is
 * nothing to upgrade to. */
static int take_switches(struct request *request, struct refusal *refusal)
{
    static const char *const names[] = {"oneway", "more", "upgrade"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *value = json_object_get(request->root, names[i]);
        if (value && !json_is_boolean(value))
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, names[i]);
    }
    request->oneway = json_is_true(json_object_get(request->root, "oneway"));
    if (json_is_true(json_object_get(request->root, "upgrade")))
        return refuse(refusal, REFUSAL_INVALID_PARAMETER, "upgrade");
    return 0;
}

int request_parse(const char *message, size_t length, struct request *request,
                  struct refusal *refusal)
{
    /* The claims are written before they are counted. */
    memset(request, 0, offsetof(struct request, claims));
    request->claim_count = request->member_count = 0;
    if (is_too_deep(message, length))
        return refuse(refusal, REFUSAL_INVALID_MESSAGE, NULL);
    request->root = json_loadb(message, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request->root))
        return refuse(refusal, REFUSAL_INVALID_MESSAGE, NULL);
    json_t *name = json_object_get(request->root, "method");
    if (!json_is_string(name))
        return refuse(refusal, REFUSAL_INVALID_MESSAGE, NULL);
    int r = take_switches(request, refusal);
    if (r < 0)
        return r;
    const struct method_row *method = find_method(json_string_value(name));
    if (!method)
        return not_found(name, refusal);
    request->method = method->method;
    return take_parameters(method, json_object_get(request->root, "parameters"), request, refusal);
}

void request_clear(struct request *request)
{
    free(request->data.data);
    free(request->digest.data);
    request->data = request->digest = (struct bytes){0};
    json_decref(request->root);
    request->root = NULL;
}
