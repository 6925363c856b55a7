/* Turns a message into a const struct request: the table of methods and their parameters. */
#include "config.h"
#include "agent/request.h"
#include "client/base64.h"

#include <string.h>

struct parameter {
    const char *name;
    bool required;
    int (*take)(const struct json_value *value, struct request *request); /* -1: not acceptable */
};

struct method_row {
    const char *name;
    enum method method;
    struct parameter parameters[REQUEST_PARAMETERS_MAX];
    const char *(*mistake)(const struct request *request); /* the parameter at fault, or NULL */
};

static bool is_boolean(const struct json_value *value)
{
    return value->type == JSON_VALUE_FALSE || value->type == JSON_VALUE_TRUE;
}

static bool is_true(const struct json_value *value)
{
    return value && value->type == JSON_VALUE_TRUE;
}

static int take_string(const struct json_value *value, const char **ret_string)
{
    *ret_string = value->string;
    return value->type == JSON_VALUE_STRING ? 0 : -1;
}

static int take_profile(const struct json_value *value, struct request *request)
{
    return take_string(value, &request->profile);
}

static int take_audience(const struct json_value *value, struct request *request)
{
    return take_string(value, &request->audience);
}

static int take_interface(const struct json_value *value, struct request *request)
{
    return take_string(value, &request->interface);
}

static int take_algorithm(const struct json_value *value, struct request *request)
{
    return take_string(value, &request->algorithm);
}

static int take_bytes(const struct json_value *value, struct bytes *ret_bytes)
{
    if (value->type != JSON_VALUE_STRING || value->length > BASE64_LENGTH(REQUEST_DATA_MAX))
        return -1;
    unsigned char *data = (unsigned char *)value->string;
    ptrdiff_t length = base64_decode(value->string, value->length, data);
    if (length < 0)
        return -1;
    *ret_bytes = (struct bytes){data, (size_t)length};
    return 0;
}

static int take_data(const struct json_value *value, struct request *request)
{
    return take_bytes(value, &request->data);
}

static int take_digest(const struct json_value *value, struct request *request)
{
    return take_bytes(value, &request->digest);
}

static int take_audit(const struct json_value *value, struct request *request)
{
    request->audit = is_true(value);
    return is_boolean(value) ? 0 : -1;
}

static const char *profile_or_audit(const struct request *request)
{
    return request->audit && request->profile ? "audit" : NULL;
}

/* Exactly one of them is signed. */
static const char *data_or_digest(const struct request *request)
{
    if (request->data.data && request->digest.data)
        return "digest";
    return request->data.data || request->digest.data ? NULL : "data";
}

static int take_reference(const struct json_value *value, struct request *request)
{
    if (take_string(value, &request->reference) < 0)
        return -1;
    for (size_t i = 0; i < value->length; i++)
        if (request->reference[i] < 0x20 || request->reference[i] > 0x7e)
            return -1;
    return value->length <= REQUEST_REFERENCE_MAX ? 0 : -1;
}

static struct claim read_claim(const struct json_value *value)
{
    return (struct claim){.name = value->name,
                          .value = value->string,
                          .length = value->length,
                          .is_integer = value->type == JSON_VALUE_INTEGER,
                          .is_boolean = is_boolean(value),
                          .is_object = value->type == JSON_VALUE_OBJECT,
                          .integer =
                              is_boolean(value) ? value->type == JSON_VALUE_TRUE : value->integer};
}

/* Members that are objects or arrays themselves fit no form: they stay values without a type. */
static int take_members(const struct json_value *object, struct request *request,
                        struct claim *claim)
{
    const struct json_value *value = json_value_first(object);
    claim->members = request->members + request->member_count;
    claim->member_count = object->count;
    if (object->count > REQUEST_CLAIMS_MAX - request->member_count)
        return -1;
    for (size_t i = 0; i < object->count; i++, value = json_value_next(value)) {
        struct claim member = read_claim(value);
        member.is_object = false;
        request->members[request->member_count++] = member;
    }
    return 0;
}

static int take_claims(const struct json_value *object, struct request *request)
{
    if (object->type != JSON_VALUE_OBJECT || object->count > REQUEST_CLAIMS_MAX)
        return -1;
    const struct json_value *value = json_value_first(object);
    for (size_t i = 0; i < object->count; i++, value = json_value_next(value)) {
        struct claim *claim = &request->claims[request->claim_count++];
        *claim = read_claim(value);
        if (claim->is_object && take_members(value, request, claim) < 0)
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
    {"io.hintsign.Agent.GetKeys",
     METHOD_GET_KEYS,
     {{"profile", false, take_profile}, {"audit", false, take_audit}},
     profile_or_audit},
    {"io.hintsign.Agent.ListProfiles", METHOD_LIST_PROFILES, {{0}}, NULL},
    {"io.hintsign.Agent.GetStatus", METHOD_GET_STATUS, {{0}}, NULL},
    {"org.varlink.service.GetInfo", METHOD_GET_INFO, {{0}}, NULL},
    {"org.varlink.service.GetInterfaceDescription",
     METHOD_GET_INTERFACE_DESCRIPTION,
     {{"interface", true, take_interface}},
     NULL},
};
#define METHODS (sizeof methods / sizeof methods[0])

const char *request_method_at(size_t index, const char *parameters[REQUEST_PARAMETERS_MAX + 1])
{
    static const char prefix[] = "io.hintsign.Agent.";
    if (index >= METHODS || strncmp(methods[index].name, prefix, sizeof prefix - 1) != 0)
        return NULL;
    size_t i = 0;
    for (; i < REQUEST_PARAMETERS_MAX && methods[index].parameters[i].name; i++)
        parameters[i] = methods[index].parameters[i].name;
    parameters[i] = NULL;
    return methods[index].name + sizeof prefix - 1;
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
static int not_found(const struct json_value *method, struct refusal *refusal)
{
    size_t length = interface_length(method->string);
    for (size_t i = 0; i < METHODS; i++)
        if (interface_length(methods[i].name) == length &&
            strncmp(methods[i].name, method->string, length) == 0)
            return refuse(refusal, REFUSAL_METHOD_NOT_FOUND, method->string);
    method->string[length] = '\0';
    return refuse(refusal, REFUSAL_INTERFACE_NOT_FOUND, method->string);
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
    for (size_t i = 0; i < REQUEST_PARAMETERS_MAX && method->parameters[i].name; i++)
        if (strcmp(method->parameters[i].name, name) == 0)
            return &method->parameters[i];
    return NULL;
}

/* An optional parameter that is null counts as absent. */
static int take_parameters(const struct method_row *method, const struct json_value *parameters,
                           struct request *request, struct refusal *refusal)
{
    if (parameters && parameters->type != JSON_VALUE_OBJECT)
        return refuse(refusal, REFUSAL_INVALID_PARAMETER, "parameters");
    const struct json_value *value = parameters ? json_value_first(parameters) : NULL;
    for (size_t i = 0; parameters && i < parameters->count; i++, value = json_value_next(value)) {
        const struct parameter *parameter = find_parameter(method, value->name);
        if (parameter && !parameter->required && value->type == JSON_VALUE_NULL)
            continue;
        if (!parameter || parameter->take(value, request) < 0)
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, value->name);
    }
    for (size_t i = 0; i < REQUEST_PARAMETERS_MAX && method->parameters[i].name; i++)
        if (method->parameters[i].required &&
            !json_value_member(parameters, method->parameters[i].name))
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, method->parameters[i].name);
    const char *mistake = method->mistake ? method->mistake(request) : NULL;
    return mistake ? refuse(refusal, REFUSAL_INVALID_PARAMETER, mistake) : 0;
}

/* The call's own switches. `more` is answered with a single reply, as Varlink allows; there is
 * nothing to upgrade to. */
static int take_switches(const struct json_value *call, struct request *request,
                         struct refusal *refusal)
{
    static const char *const names[] = {"oneway", "more", "upgrade"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json_value *value = json_value_member(call, names[i]);
        if (value && !is_boolean(value))
            return refuse(refusal, REFUSAL_INVALID_PARAMETER, names[i]);
    }
    request->oneway = is_true(json_value_member(call, "oneway"));
    if (is_true(json_value_member(call, "upgrade")))
        return refuse(refusal, REFUSAL_INVALID_PARAMETER, "upgrade");
    return 0;
}

/* What all messages have. *ret_name is the method's. */
static int begin(char *message, size_t length, struct request *request, struct refusal *refusal,
                 const struct json_value **ret_name)
{
    /* The claims are written before they are counted. */
    memset(request, 0, offsetof(struct request, claims));
    request->claim_count = request->member_count = 0;
    const struct json_value *call = request->values;
    if (json_value_parse(message, length, request->values, REQUEST_VALUES_MAX) < 0)
        return refuse(refusal, REFUSAL_INVALID_MESSAGE, NULL);
    const struct json_value *name = json_value_member(call, "method");
    if (!name || name->type != JSON_VALUE_STRING)
        return refuse(refusal, REFUSAL_INVALID_MESSAGE, NULL);
    *ret_name = name;
    return take_switches(call, request, refusal);
}

int request_parse(char *message, size_t length, struct request *request, struct refusal *refusal)
{
    const struct json_value *name;
    int r = begin(message, length, request, refusal, &name);
    if (r < 0)
        return r;
    const struct method_row *method = find_method(name->string);
    if (!method)
        return not_found(name, refusal);
    request->method = method->method;
    return take_parameters(method, json_value_member(request->values, "parameters"), request,
                           refusal);
}

int request_parse_next(char *message, size_t length, struct request *request,
                       struct refusal *refusal)
{
    const struct json_value *name;
    int r = begin(message, length, request, refusal, &name);
    if (r < 0)
        return r;
    request->method = METHOD_MINT_NEXT;
    return take_parameters(find_method("io.hintsign.Agent.Mint"),
                           json_value_member(request->values, "parameters"), request, refusal);
}
