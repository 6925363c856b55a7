/* How mint prints a token: bare, as JSON, or as a form's body for curl --data @-. */
#include "config.h"
#include "client/cli/format.h"

#include "client/cli/input.h"
#include "client/cli/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [FORMAT_TOKEN] = "token",
    [FORMAT_JSON] = "json",
    [FORMAT_FORM] = "form",
};

/* CIBA Core §7.1 and RFC 7521 §4.2. */
#define HINT_PREFIX "login_hint_token="
#define ASSERTION_PREFIX                                                                           \
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"       \
    "&client_assertion="

int format_parse(const struct cli *cli, const char *name, enum format *ret_format)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_format = (enum format)i;
            return CLI_OK;
        }
    }
    return cli_usage(cli, "--format takes token, json or form, not '%s'", name);
}

const char *format_prefix(enum format format, const char *kind)
{
    if (format != FORMAT_FORM)
        return "";
    return strcmp(kind, "client_assertion") == 0 ? ASSERTION_PREFIX : HINT_PREFIX;
}

/* An unknown profile has no kind; to refuse it is left to the agent. */
static const char *kind_of(const json_t *profiles, const char *name)
{
    size_t i;
    json_t *profile;
    json_array_foreach(profiles, i, profile)
    {
        const char *found = json_string_value(json_object_get(profile, "name"));
        const char *kind = json_string_value(json_object_get(profile, "kind"));
        if (found && kind && strcmp(found, name) == 0)
            return kind;
    }
    return "";
}

int format_prepare(struct hintsign *handle, enum format format, const char *profile,
                   const char **ret_prefix)
{
    *ret_prefix = "";
    if (format != FORMAT_FORM)
        return CLI_OK;
    __attribute__((cleanup(input_free))) char *text = NULL;
    if (hintsign_profiles(handle, &text) < 0)
        return cli_report(handle);
    json_auto_t *reply = json_loads(text, 0, NULL);
    const json_t *profiles = json_object_get(reply, "profiles");
    *ret_prefix = format_prefix(format, kind_of(profiles, profile));
    return CLI_OK;
}

static void print_json(const struct hintsign_token *token)
{
    json_auto_t *object = json_pack("{s:s}", "token", token->jwt);
    if (token->expires_at)
        json_object_set_new(object, "expires_at", json_integer(token->expires_at));
    if (token->kid)
        json_object_set_new(object, "kid", json_string(token->kid));
    json_object_set_new(object, "id", json_integer(token->id));
    __attribute__((cleanup(input_free))) char *text = json_dumps(object, 0);
    if (text)
        text_print(stdout, text, false);
    putchar('\n');
}

/* A token's characters need no percent-encoding: the library has seen to that. */
void format_print(enum format format, const char *prefix, const struct hintsign_token *token)
{
    if (format == FORMAT_JSON)
        print_json(token);
    else
        printf("%s%s\n", prefix, token->jwt);
}
