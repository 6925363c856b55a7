/* Why a call failed: the code, one word and one sentence, from the library itself or from the
 * agent's reply. */
#include "config.h"
#include "client/error.h"

#include "client/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer than what is kept, so that copy_text alone cuts, at a character's border. */
#define SENTENCE_SIZE (ERROR_MESSAGE_SIZE + 16)

struct code {
    int code;
    const char *name;
    const char *sentence;
};

static const struct code codes[] = {
    {HINTSIGN_OK, "OK", "no error"},
    {HINTSIGN_INVALID, "Invalid", "an argument is not usable"},
    {HINTSIGN_NO_MEMORY, "NoMemory", "out of memory"},
    {HINTSIGN_UNREACHABLE, "Unreachable", "the agent is not reachable"},
    {HINTSIGN_TIMEOUT, "Timeout", "the agent did not answer in time"},
    {HINTSIGN_PROTOCOL, "Protocol", "the reply is not one of io.hintsign.Agent"},
    {HINTSIGN_REFUSED, "Refused", "the agent refuses the request"},
    {HINTSIGN_UNAVAILABLE, "Unavailable", "the agent cannot do it now"},
};

struct agent_error {
    const char *name;
    int code;
};

/* The errors of io.hintsign.Agent. Refused is what the request or the policy causes; any other
 * lies with the agent or its tokens, and the same request may succeed once that is mended. */
static const struct agent_error agent_errors[] = {
    {"NotAllowed", HINTSIGN_REFUSED},
    {"InvalidClaim", HINTSIGN_REFUSED},
    {"UnknownAudience", HINTSIGN_REFUSED},
    {"InvalidMessage", HINTSIGN_REFUSED},
    {"RateLimited", HINTSIGN_UNAVAILABLE},
    {"Locked", HINTSIGN_UNAVAILABLE},
    {"TokenUnavailable", HINTSIGN_UNAVAILABLE},
    {"KeyUnavailable", HINTSIGN_UNAVAILABLE},
    {"EncryptionKeyUnavailable", HINTSIGN_UNAVAILABLE},
    {"AuditUnavailable", HINTSIGN_UNAVAILABLE},
    {"Overloaded", HINTSIGN_UNAVAILABLE},
    {"Internal", HINTSIGN_UNAVAILABLE},
};

static const struct code *find_code(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return &codes[i];
    return NULL;
}

const char *hintsign_strerror(int code)
{
    const struct code *found = find_code(code);
    return found ? found->sentence : "unknown error";
}

const struct hintsign_error *hintsign_last_error(const struct hintsign *handle)
{
    return &handle->error.shown;
}

/* Copies UTF-8, cut at a character's border. Control characters (C0, DEL, C1) become '?': the
 * text comes from elsewhere and goes to terminals and logs. */
static void copy_text(char *target, size_t size, const char *text)
{
    size_t n = 0;
    for (; text[n] && n < size - 1; n++) {
        unsigned char c = (unsigned char)text[n];
        bool c1 = n > 0 && (unsigned char)text[n - 1] == 0xc2 && c >= 0x80 && c < 0xa0;
        if (c1)
            target[n - 1] = '?';
        target[n] = c < 0x20 || c == 0x7f || c1 ? '?' : (char)c;
    }
    while (text[n] && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    target[n] = '\0';
}

static int record(struct error *error, int code, const char *name, const char *message,
                  int64_t retry_after_ms)
{
    copy_text(error->name, sizeof error->name, name);
    copy_text(error->message, sizeof error->message, message);
    error->shown = (struct hintsign_error){
        .code = code,
        .name = error->name,
        .message = error->message,
        .retry_after_ms = retry_after_ms,
    };
    return code;
}

int error_set(struct error *error, int code, const char *format, ...)
{
    char message[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const struct code *known = find_code(code);
    return record(error, code, known ? known->name : "Unknown", message, -1);
}

/* An error that is newer than this library is worth trying again if the agent says when. */
static int classify(const char *name, bool retry_advised)
{
    static const char interface[] = VARLINK_INTERFACE ".";
    if (strncmp(name, interface, sizeof interface - 1) == 0)
        for (size_t i = 0; i < sizeof agent_errors / sizeof *agent_errors; i++)
            if (strcmp(agent_errors[i].name, name + sizeof interface - 1) == 0)
                return agent_errors[i].code;
    return retry_advised ? HINTSIGN_UNAVAILABLE : HINTSIGN_REFUSED;
}

/* The agent's sentence, with the claim before it where it tells one. InvalidParameter is Varlink's
 * own error and promises no sentence. */
static void make_sentence(char *sentence, size_t size, int code,
                          const struct json_value *parameters)
{
    const char *message = json_value_string(parameters, "message");
    const char *claim = json_value_string(parameters, "claim");
    const char *parameter = json_value_string(parameters, "parameter");
    if (message)
        snprintf(sentence, size, "%s%s%s", claim ? claim : "", claim ? ": " : "", message);
    else if (parameter)
        snprintf(sentence, size, "the agent does not accept the parameter '%s'", parameter);
    else
        snprintf(sentence, size, "%s", hintsign_strerror(code));
}

int error_set_memory(struct error *error)
{
    return error_set(error, HINTSIGN_NO_MEMORY, "%s", hintsign_strerror(HINTSIGN_NO_MEMORY));
}

int error_set_reply(struct error *error, const char *name, const struct json_value *parameters)
{
    const struct json_value *message = json_value_member(parameters, "message");
    const struct json_value *retry = json_value_member(parameters, "retry_after_ms");
    if ((message && message->type != JSON_VALUE_STRING) ||
        (retry && (retry->type != JSON_VALUE_INTEGER || retry->integer < 0)))
        return error_set(error, HINTSIGN_PROTOCOL, "an error's parameters are of a wrong type");

    char sentence[SENTENCE_SIZE];
    int code = classify(name, retry != NULL);
    const char *dot = strrchr(name, '.');
    make_sentence(sentence, sizeof sentence, code, parameters);
    return record(error, code, dot ? dot + 1 : name, sentence, retry ? retry->integer : -1);
}
