/* Writes replies and names errors to callers. */
#include "config.h"
#include "agent/reply.h"
#include "client/base64.h"

#include <string.h>

#define OWN     "io.hintsign.Agent."
#define ADMIN   "io.hintsign.Admin."
#define VARLINK "org.varlink.service."

struct error_row {
    int code;
    const char *prefix;
    const char *name;
    const char *message;    /* NULL: Varlink's own errors have none */
    const char *subject;    /* the parameter that holds refusal->name, or NULL */
    int64_t retry_after_ms; /* 0: trying again does not help */
};

static const struct error_row errors[] = {
    {REFUSAL_NOT_ALLOWED, OWN, "NotAllowed", "There is no such profile that you may use.", NULL, 0},
    {REFUSAL_INVALID_CLAIM, OWN, "InvalidClaim", "A claim is not acceptable.", "claim", 0},
    {REFUSAL_UNKNOWN_AUDIENCE, OWN, "UnknownAudience", "The audience is not the profile's.", NULL,
     0},
    {REFUSAL_INVALID_MESSAGE, OWN, "InvalidMessage",
     "The message is not a JSON object with a method, or too long, too deep or ambiguous.", NULL,
     0},
    {REFUSAL_RATE_LIMITED, OWN, "RateLimited", "The profile is asked for too often.", NULL, 1000},
    {REFUSAL_LOCKED, OWN, "Locked", "The HSM token waits for its PIN.", NULL, 0},
    {REFUSAL_TOKEN_UNAVAILABLE, OWN, "TokenUnavailable", "The HSM token does not answer.", NULL,
     1000},
    {REFUSAL_KEY_UNAVAILABLE, OWN, "KeyUnavailable",
     "The profile's key is missing or unfit: an administrator must act.", NULL, 0},
    {REFUSAL_ENCRYPTION_KEY_UNAVAILABLE, OWN, "EncryptionKeyUnavailable",
     "There is no fresh key of the provider to encrypt to.", NULL, 0},
    {REFUSAL_AUDIT_UNAVAILABLE, OWN, "AuditUnavailable",
     "The audit log cannot be written, so nothing is given out.", NULL, 1000},
    {REFUSAL_OVERLOADED, OWN, "Overloaded", "Too much is asked at once.", NULL, 1000},
    {REFUSAL_INTERNAL, OWN, "Internal", "The agent failed.", NULL, 0},
    {REFUSAL_NO_ADMINISTRATOR, ADMIN, "NotAllowed", "This is for root and the agent's own user.",
     NULL, 0},
    {REFUSAL_INVALID_ORDER, ADMIN, "InvalidMessage",
     "The message is not a JSON object with a method, or too long or ambiguous.", NULL, 0},
    {REFUSAL_UNKNOWN_TOKEN, ADMIN, "UnknownToken", "There is no such token.", NULL, 0},
    {REFUSAL_LOGIN_FAILED, ADMIN, "LoginFailed", "The token is still locked.", NULL, 0},
    {REFUSAL_TOKEN_AWAY, ADMIN, "TokenUnavailable", "The token does not answer.", NULL, 1000},
    {REFUSAL_NOT_DONE, ADMIN, "NotDone", "It is not done yet.", NULL, 1000},
    {REFUSAL_INVALID_CONFIGURATION, ADMIN, "InvalidConfiguration",
     "The configuration has a mistake.", NULL, 0},
    {REFUSAL_INTERFACE_NOT_FOUND, VARLINK, "InterfaceNotFound", NULL, "interface", 0},
    {REFUSAL_METHOD_NOT_FOUND, VARLINK, "MethodNotFound", NULL, "method", 0},
    {REFUSAL_INVALID_PARAMETER, VARLINK, "InvalidParameter", NULL, "parameter", 0},
};

static const struct error_row *find_row(int code)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            return &errors[i];
    return find_row(REFUSAL_INTERNAL);
}

const char *reply_error_name(int code)
{
    return find_row(code)->name;
}

static void put_name(struct text *out, const char *name, bool first)
{
    text_put(out, first ? "\"" : ",\"");
    text_put(out, name);
    text_put(out, "\":");
}

static void end_message(struct text *out)
{
    text_add(out, "}", 2); /* with its NUL */
}

void reply_token(struct text *out, const char *token, size_t token_length, int64_t expires_at,
                 const char *kid, const char *kind, int64_t id)
{
    text_put(out, "{\"parameters\":{\"token\":\"");
    text_add(out, token, token_length);
    text_put(out, "\"");
    if (expires_at) {
        put_name(out, "expires_at", false);
        text_integer(out, expires_at);
    }
    if (kid) {
        put_name(out, "kid", false);
        text_string(out, kid, strlen(kid));
    }
    if (kind) {
        put_name(out, "kind", false);
        text_string(out, kind, strlen(kind));
    }
    put_name(out, "id", false);
    text_integer(out, id);
    text_put(out, "}");
    end_message(out);
}

void reply_signature(struct text *out, const unsigned char *signature, size_t length, int64_t id)
{
    text_put(out, "{\"parameters\":{\"signature\":\"");
    char *place = text_reserve(out, BASE64_LENGTH(length));
    if (place) {
        base64_encode(signature, length, place);
        out->length += BASE64_LENGTH(length);
    }
    text_put(out, "\"");
    put_name(out, "id", false);
    text_integer(out, id);
    text_put(out, "}");
    end_message(out);
}

void reply_parameters(struct text *out, const struct text *parameters)
{
    text_put(out, "{\"parameters\":");
    text_add(out, parameters->data, parameters->length);
    out->failed |= parameters->failed;
    end_message(out);
}

void reply_error(struct text *out, int code, const struct refusal *refusal)
{
    const struct error_row *row = find_row(code);
    const char *message = refusal->message ? refusal->message : row->message;
    bool first = true;
    text_put(out, "{\"error\":\"");
    text_put(out, row->prefix);
    text_put(out, row->name);
    text_put(out, "\",\"parameters\":{");
    if (row->message) {
        put_name(out, "message", first);
        text_string(out, message, strlen(message));
        first = false;
    }
    if (row->subject && refusal->name) {
        put_name(out, row->subject, first);
        text_string(out, refusal->name, strlen(refusal->name));
        first = false;
    }
    if (row->retry_after_ms) {
        put_name(out, "retry_after_ms", first);
        text_integer(out, refusal->retry_after_ms ? refusal->retry_after_ms : row->retry_after_ms);
    }
    text_put(out, "}");
    end_message(out);
}
