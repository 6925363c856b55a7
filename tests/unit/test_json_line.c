/* Tests of the search for the line of a value. */
#include "config.h"
#include "agent/json_line.h"

#include "tests/unit/scratch.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DEPTH_MAX 8

/* The line of what a path such as "tokens/0/name" leads to: names and, in arrays, indexes. */
static size_t line_of(const char *text, const char *path)
{
    char *json = quoted(text), *names = strdup(path), *rest = NULL;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    assert_non_null(root);
    struct json_at at[DEPTH_MAX] = {{.value = root}}, *last = at;
    for (char *name = strtok_r(names, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
        struct json_at *next = last + 1;
        next->parent = last;
        if (json_is_array(last->value)) {
            next->index = (size_t)atoi(name);
            next->value = json_array_get(last->value, next->index);
        } else {
            next->name = name;
            next->value = json_object_get(last->value, name);
        }
        last = next;
    }
    size_t line = json_line(json, last);
    json_decref(root);
    free(names);
    free(json);
    return line;
}

static void of_a_file_as_people_write_it(void **state)
{
    static const char text[] = "\n"
                               "{ 'version': 1,\n"
                               "  'listeners': [\n"
                               "    { 'name': 'a', 'path': '/a' },\n"
                               "    { 'name':\n"
                               "        'b',\n"
                               "      'mode'\n"
                               "        : '0660' }\n"
                               "  ],\n"
                               "  'tokens': [ [1,\n"
                               "2], [], [[\n"
                               "3]] ],\n"
                               "  'audit': {\n"
                               "    'sync': 'always' } }\n";
    static const struct {
        const char *path;
        size_t line;
    } cases[] = {
        {"", 2},
        {"version", 2},
        {"listeners", 3},
        {"listeners/0", 4},
        {"listeners/0/path", 4},
        {"listeners/1", 5},
        {"listeners/1/name", 5},
        {"listeners/1/mode", 7},
        {"tokens", 10},
        {"tokens/0/0", 10},
        {"tokens/0/1", 11},
        {"tokens/1", 11},
        {"tokens/2/0/0", 12},
        {"audit", 13},
        {"audit/sync", 14},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (line_of(text, cases[i].path) != cases[i].line)
            fail_msg("%s: %zu", cases[i].path, line_of(text, cases[i].path));
}

static void what_looks_like_structure_in_strings(void **state)
{
    (void)state;
    assert_int_equal(line_of("{'a':'}]\\\\',\n'b':1}", "b"), 2);
    assert_int_equal(line_of("{'a':'\\'b\\':',\n'b':1}", "b"), 2);
    assert_int_equal(line_of("{'a':['x','],',{'b':'{'}],\n'b':1}", "b"), 2);
    assert_int_equal(line_of("{'x{':1,\n'b':1}", "b"), 2);
    assert_int_equal(line_of("{'b':\n{'b':\n{'b':\n1}}}", "b/b/b"), 3);
}

static void names_that_begin_alike(void **state)
{
    (void)state;
    assert_int_equal(line_of("{'user':1,\n'use':2,\n'us':3}", "us"), 3);
    assert_int_equal(line_of("{'us':1,\n'use':2,\n'user':3}", "user"), 3);
    assert_int_equal(line_of("{'':1,\n'x':2}", "x"), 2);
}

static void scalars_and_empty_values(void **state)
{
    (void)state;
    assert_int_equal(line_of("{'a':true,'b':null,'c':-1.5e3,'d':{},'e':[],'f':'',\n'x':0}", "x"),
                     2);
    assert_int_equal(line_of("[1,\n[],\n{},\n'']", "3"), 4);
    assert_int_equal(line_of("\n\n7", ""), 3);
    assert_int_equal(line_of("{\r\n\t'a':1,\r\n\t'b':2}", "b"), 3);
}

/* A name that is written with escapes is not found: then it is where its object begins, and so is
 * all that is inside. */
static void names_with_escapes(void **state)
{
    (void)state;
    assert_int_equal(line_of("{\n'a':1,\n'\\u0062':2}", "b"), 1);
    assert_int_equal(line_of("{\n'a':1,\n'\\u0062':{\n'c':2}}", "b/c"), 1);
    assert_int_equal(line_of("{'x':1,\n'o':{\n'c':\n0,\n'\\u0062':[\n{\n'c':2}]}}", "o/b/0/c"), 2);
    assert_int_equal(line_of("{'x':1,\n'o':\n{'\\u0062':1}}", "o/b"), 3);
    assert_int_equal(line_of("{\n'a\\\\':1,\n'b':2}", "b"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_file_as_people_write_it),
        cmocka_unit_test(what_looks_like_structure_in_strings),
        cmocka_unit_test(names_that_begin_alike),
        cmocka_unit_test(scalars_and_empty_values),
        cmocka_unit_test(names_with_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
