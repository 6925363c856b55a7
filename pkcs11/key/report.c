/* The results of a probe: a table, JSON, and what has changed since another probe. */
#include "config.h"
#include "pkcs11/key/report.h"
#include "pkcs11/key/show.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPORT_VERSION 1

void report_add(struct report *report, const char *name, bool works, double us, const char *format,
                ...)
{
    assert(report->count < REPORT_MAX);
    struct result *result = &report->results[report->count++];
    char detail[P11_ERROR_TEXT_MAX], text[SHOW_NAME_MAX];
    va_list arguments;
    *result = (struct result){.works = works, .us = us};
    snprintf(result->name, sizeof result->name, "%s", name);
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    show_printable(detail, strlen(detail), text);
    snprintf(result->detail, sizeof result->detail, "%.*s", P11_ERROR_TEXT_MAX - 1, text);
}

void report_add_failure(struct report *report, const struct token *token, const char *name,
                        const struct p11_error *error)
{
    char text[P11_ERROR_TEXT_MAX];
    const char *detail = p11_error_describe(error, text, sizeof text);
    size_t name_len = strlen(token->name);
    if (strncmp(detail, token->name, name_len) == 0 && detail[name_len] == ':')
        detail += name_len + 2;
    report_add(report, name, false, 0, "%s", detail);
}

const struct result *report_find(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->results[i].name, name) == 0)
            return &report->results[i];
    return NULL;
}

bool report_any_works(const struct report *report, const char *prefix)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->results[i].works &&
            strncmp(report->results[i].name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

/* --- JSON --- */

static json_t *version_text(CK_VERSION version)
{
    return json_sprintf("%u.%u", version.major, version.minor);
}

static json_t *token_json(const CK_TOKEN_INFO *info)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "label", show_padded(info->label, sizeof info->label),
        "manufacturer", show_padded(info->manufacturerID, sizeof info->manufacturerID), "model",
        show_padded(info->model, sizeof info->model), "serial",
        show_padded(info->serialNumber, sizeof info->serialNumber), "hardware",
        version_text(info->hardwareVersion), "firmware", version_text(info->firmwareVersion));
}

static json_t *results_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct result *result = &report->results[i];
        json_t *time = result->us > 0 ? json_real(result->us) : NULL;
        json_array_append_new(list,
                              json_pack("{s:s, s:b, s:o*, s:o}", "name", result->name, "works",
                                        result->works, "microseconds", time, "detail",
                                        show_name(result->detail, strlen(result->detail))));
    }
    return list;
}

/* --- comparing --- */

/* Results as results_json makes them: the file may come from anybody. */
static bool are_results(json_t *list)
{
    size_t i;
    json_t *result;
    json_array_foreach(list, i, result)
    {
        const char *name, *detail;
        int works;
        if (json_unpack(result, "{s:s, s:b, s:s}", "name", &name, "works", &works, "detail",
                        &detail) < 0 ||
            strlen(name) >= REPORT_NAME_MAX || strlen(detail) >= P11_ERROR_TEXT_MAX ||
            !show_is_printable(name) || !show_is_printable(detail))
            return false;
    }
    return json_is_array(list);
}

static const char *name_of(json_t *result)
{
    return json_string_value(json_object_get(result, "name"));
}

static json_t *find(json_t *list, const char *name)
{
    size_t i;
    json_t *result;
    json_array_foreach(list, i, result)
    {
        if (strcmp(name_of(result), name) == 0)
            return result;
    }
    return NULL;
}

static json_t *describe(const char *name, json_t *before, json_t *now)
{
    const char *words[2], *details[2];
    json_t *const both[2] = {before, now};
    for (size_t i = 0; i < 2; i++) {
        const char *detail = json_string_value(json_object_get(both[i], "detail"));
        words[i] = json_is_true(json_object_get(both[i], "works")) ? "yes" : "no";
        details[i] = detail ? detail : "not tried";
    }
    return json_sprintf("%s: %s (%s), before: %s (%s)", name, words[1], details[1], words[0],
                        details[0]);
}

static bool is_same(json_t *before, json_t *now)
{
    return json_equal(json_object_get(before, "works"), json_object_get(now, "works")) &&
           json_equal(json_object_get(before, "detail"), json_object_get(now, "detail"));
}

/* Both ways: a result that is missing in one of the lists has changed as well. */
static json_t *changes(json_t *before, json_t *now, size_t *ret_lost)
{
    json_t *list = json_array(), *result;
    size_t i, lost = 0;
    json_array_foreach(now, i, result)
    {
        json_t *old = find(before, name_of(result));
        if (!is_same(old, result))
            json_array_append_new(list, describe(name_of(result), old, result));
    }
    json_array_foreach(before, i, result)
    {
        json_t *new = find(now, name_of(result));
        lost += json_is_true(json_object_get(result, "works")) &&
                !json_is_true(json_object_get(new, "works"));
        if (!new)
            json_array_append_new(list, describe(name_of(result), result, NULL));
    }
    *ret_lost = lost;
    return list;
}

static int compare_with(const char *path, json_t *file, size_t *ret_lost, struct p11_error *error)
{
    json_t *old = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    json_t *before = json_object_get(old, "results");
    int r = 0;
    if (json_integer_value(json_object_get(old, "version")) == REPORT_VERSION &&
        are_results(before))
        json_object_set_new(file, "changes",
                            changes(before, json_object_get(file, "results"), ret_lost));
    else
        r = p11_error_text(error, P11_INVALID, "%s: no result of hintsign-key probe --json", path);
    json_decref(old);
    return r;
}

/* --- printing --- */

static void print_table(const struct report *report, json_t *file)
{
    size_t i;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(file, "token"), key, value)
    {
        char text[SHOW_NAME_MAX];
        show_printable(json_string_value(value), json_string_length(value), text);
        printf("%-12s %s\n", key, text);
    }
    putchar('\n');
    for (i = 0; i < report->count; i++) {
        const struct result *result = &report->results[i];
        char time[24] = "";
        if (result->us > 0)
            snprintf(time, sizeof time, "%.0f us", result->us);
        printf("%-28s %-3s %12s  %s\n", result->name, result->works ? "yes" : "no", time,
               result->detail);
    }
    json_array_foreach(json_object_get(file, "changes"), i, value)
        printf("%schanged: %s\n", i ? "" : "\n", json_string_value(value));
}

int report_print(const struct report *report, const struct token *token, bool works, bool json,
                 const char *compare, size_t *ret_lost, struct p11_error *error)
{
    json_t *file = json_pack("{s:i, s:o, s:b, s:o}", "version", REPORT_VERSION, "token",
                             token_json(&token->info), "agent_can_work", works, "results",
                             results_json(report));
    if (!file)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    *ret_lost = 0;
    int r = compare ? compare_with(compare, file, ret_lost, error) : 0;
    if (r == 0 && json)
        r = show_json(file, JSON_INDENT(2) | JSON_REAL_PRECISION(6), error);
    else if (r == 0)
        print_table(report, file);
    json_decref(file);
    return r;
}
