/* The claims of a request, gathered from the command line: the agent decides what they may be. */
#include "config.h"
#include "client/cli/claims.h"

#include "client/cli/input.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Takes over `value`, which may be NULL where it could not be made. */
static int add(const struct cli *cli, json_t *claims, const char *name, json_t *value)
{
    if (!value)
        return cli_usage(cli, "the claim '%s' is not UTF-8, or holds a NUL", name);
    if (json_object_get(claims, name)) {
        json_decref(value);
        return cli_usage(cli, "the claim '%s' is given twice", name);
    }
    if (json_object_set_new(claims, name, value) < 0)
        return cli_usage(cli, "the name of a claim is not UTF-8");
    return CLI_OK;
}

int claims_add_subject(const struct cli *cli, json_t *claims, const char *text)
{
    if (strcmp(text, "-") != 0)
        return add(cli, claims, "sub", json_string(text));
    __attribute__((cleanup(input_free))) char *read = NULL;
    size_t length;
    int status = input_read("-", &read, &length);
    if (status != CLI_OK)
        return status;
    return add(cli, claims, "sub", strlen(read) == length ? json_string(read) : NULL);
}

int claims_add(const struct cli *cli, json_t *claims, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    size_t length = equals ? (size_t)(equals - assignment) : 0;
    bool is_json = length > 0 && assignment[length - 1] == ':';
    if (is_json)
        length--;
    if (length == 0)
        return cli_usage(cli, "--claim takes NAME=VALUE or NAME:=JSON, not '%s'", assignment);
    json_error_t why = {.text = ""};
    json_t *value = is_json ? json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why)
                            : json_string(equals + 1);
    char *name = strndup(assignment, length);
    int status = is_json && !value
                     ? cli_usage(cli, "the claim '%s' is not JSON: %s", name, why.text)
                     : add(cli, claims, name, value);
    free(name);
    return status;
}

int claims_add_file(const struct cli *cli, json_t *claims, const char *path)
{
    __attribute__((cleanup(input_free))) char *text = NULL;
    size_t length;
    int status = input_read(path, &text, &length);
    if (status != CLI_OK)
        return status;
    json_error_t why;
    json_auto_t *file = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    if (!file)
        return cli_usage(cli, "%s, line %d: %s", path, why.line, why.text);
    if (!json_is_object(file))
        return cli_usage(cli, "%s does not hold a JSON object", path);
    const char *name;
    json_t *value;
    json_object_foreach(file, name, value)
    {
        status = add(cli, claims, name, json_incref(value));
        if (status != CLI_OK)
            return status;
    }
    return CLI_OK;
}
