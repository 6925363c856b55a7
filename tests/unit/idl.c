/* A Varlink interface taken apart: methods, errors and types with their members. */
#include "config.h"
#include "tests/unit/idl.h"
#include "agent/request.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void must(bool good, const char *at)
{
    if (good)
        return;
    fprintf(stderr, "the interface is not understood at: %.40s\n", at);
    abort();
}

static const char *skip_space(const char *p)
{
    while (isspace((unsigned char)*p) || *p == '#')
        p += *p == '#' ? strcspn(p, "\n") : 1;
    return p;
}

/* Copies characters of a name or a type. */
static const char *take_word(const char *p, char *word, size_t size)
{
    size_t length = 0;
    while (isalnum((unsigned char)p[length]) || (p[length] && strchr("_.?[]", p[length])))
        length++;
    must(length > 0 && length < size, p);
    memcpy(word, p, length);
    word[length] = '\0';
    return skip_space(p + length);
}

static const char *take_struct(const char *p, struct idl_struct *ret_struct)
{
    must(*p == '(', p);
    p = skip_space(p + 1);
    for (size_t i = 0; *p != ')'; i++) {
        must(i + 1 < IDL_MEMBERS_MAX, p);
        p = take_word(p, ret_struct->members[i].name, sizeof ret_struct->members[i].name);
        must(*p == ':', p);
        p = take_word(skip_space(p + 1), ret_struct->members[i].type,
                      sizeof ret_struct->members[i].type);
        if (*p == ',')
            p = skip_space(p + 1);
    }
    return skip_space(p + 1);
}

void idl_read(const char *text, struct idl *ret_idl)
{
    char word[64];
    memset(ret_idl, 0, sizeof *ret_idl);
    const char *p = take_word(skip_space(text), word, sizeof word);
    must(strcmp(word, "interface") == 0, text);
    p = take_word(p, word, sizeof word);
    while (*p) {
        must(ret_idl->count < IDL_DECLARATIONS_MAX, p);
        struct idl_declaration *declaration = &ret_idl->list[ret_idl->count++];
        p = take_word(p, declaration->keyword, sizeof declaration->keyword);
        p = take_word(p, declaration->name, sizeof declaration->name);
        p = take_struct(p, &declaration->in);
        if (strncmp(p, "->", 2) == 0)
            p = take_struct(skip_space(p + 2), &declaration->out);
    }
}

const struct idl_declaration *idl_find(const struct idl *idl, const char *keyword, const char *name)
{
    for (size_t i = 0; i < idl->count; i++)
        if (strcmp(idl->list[i].keyword, keyword) == 0 && strcmp(idl->list[i].name, name) == 0)
            return &idl->list[i];
    return NULL;
}

static bool value_fits(const struct idl *idl, const char *type, const json_t *value);

static bool map_fits(const struct idl *idl, const char *type, const json_t *map)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)map, name, value)
    {
        if (!value_fits(idl, type, value))
            return false;
    }
    return json_is_object(map);
}

static bool value_fits(const struct idl *idl, const char *type, const json_t *value)
{
    if (*type == '?')
        type++;
    if (strncmp(type, "[]", 2) == 0) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (!value_fits(idl, type + 2, json_array_get(value, i)))
                return false;
        return json_is_array(value);
    }
    if (strncmp(type, "[string]", 8) == 0)
        return map_fits(idl, type + 8, value);
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "int") == 0)
        return json_is_integer(value);
    if (strcmp(type, "bool") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "object") == 0)
        return json_is_object(value);
    const struct idl_declaration *named = idl_find(idl, "type", type);
    return named && idl_fits(idl, &named->in, value);
}

bool idl_fits(const struct idl *idl, const struct idl_struct *members, const json_t *object)
{
    size_t known = 0;
    if (!json_is_object(object))
        return false;
    for (const struct idl_member *member = members->members; member->name[0]; member++) {
        const json_t *value = json_object_get(object, member->name);
        if (!value && member->type[0] == '?')
            continue;
        if (!value || !value_fits(idl, member->type, value))
            return false;
        known++;
    }
    return json_object_size(object) == known;
}

static void expect_method(const struct idl_declaration *method, const char *const *parameters)
{
    size_t count = 0;
    assert_non_null(method);
    for (; parameters[count]; count++)
        assert_string_equal(parameters[count], method->in.members[count].name);
    assert_string_equal(method->in.members[count].name, "");
}

void idl_expect_methods(const char *interface,
                        const char *method_at(size_t index, const char **parameters))
{
    const char *parameters[REQUEST_PARAMETERS_MAX + 1], *name;
    struct idl *idl = malloc(sizeof *idl);
    size_t declared = 0, found = 0;
    assert_non_null(idl);
    idl_read(interface, idl);
    for (size_t i = 0; i < idl->count; i++)
        declared += strcmp(idl->list[i].keyword, "method") == 0;
    for (; (name = method_at(found, parameters)); found++)
        expect_method(idl_find(idl, "method", name), parameters);
    assert_int_equal(found, declared);
    free(idl);
}
