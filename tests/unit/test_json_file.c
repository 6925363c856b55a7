/* Tests of reading JSON files that people write: every error names file, line and member. */
#include "config.h"
#include "agent/json_file.h"

#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* `wanted` goes on behind the file's path. */
static void assert_error(const struct json_file *file, const char *wanted)
{
    size_t length = strlen(file->path);
    assert_memory_equal(file->error, file->path, length);
    assert_string_equal(file->error + length, wanted);
}

static void assert_not_opened(const char *path, const char *wanted)
{
    struct json_file file;
    assert_int_equal(json_file_open(&file, path), -1);
    assert_error(&file, wanted);
    json_file_close(&file);
}

static void opens(void **state)
{
    struct json_file file;
    (void)state;
    const char *path = scratch_json("good", "{'a':'\\u00e9'}\n");
    assert_int_equal(json_file_open(&file, path), 0);
    assert_string_equal(json_string_value(json_object_get(file.root, "a")), "\xc3\xa9");
    json_file_close(&file);
    json_file_close(&file);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    assert_not_opened(scratch_path("missing"), ": No such file or directory");
    assert_not_opened(scratch_folder("folder"), ": not a regular file");
    const char *fifo = scratch_path("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_not_opened(fifo, ": not a regular file");
}

static void files_that_others_can_write(void **state)
{
    static const mode_t bad[] = {0620, 0602, 0622, 0666, 0777};
    static const mode_t good[] = {0600, 0400, 0640, 0644, 0755};
    (void)state;
    const char *path = scratch_json("file", "{}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_not_opened(path, ": others can write it (chmod go-w)");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json_file file;
        assert_int_equal(chmod(path, good[i]), 0);
        assert_int_equal(json_file_open(&file, path), 0);
        json_file_close(&file);
    }
}

static void files_of_other_users_as_root(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    const char *path = scratch_json("file", "{}");
    assert_int_equal(chown(path, 12345, 0), 0);
    assert_not_opened(path, ": belongs neither to root nor to the agent's user");

    struct json_file file;
    assert_int_equal(json_file_open_in(&file, path, 12345), 0);
    json_file_close(&file);
    assert_int_equal(json_file_open_in(&file, path, 12346), -1);
    assert_error(&file, ": belongs neither to root, its folder's owner nor the agent's user");
    json_file_close(&file);
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(json_file_open_in(&file, path, 12345), -1);
    assert_error(&file, ": others can write it (chmod go-w)");
    json_file_close(&file);
}

static void folders_that_others_can_write(void **state)
{
    static const mode_t bad[] = {0770, 0707, 0777}, good[] = {0700, 0755, 01777, 0500};
    (void)state;
    const char *folder = scratch_folder("folder");
    const char *path = scratch_json("folder/file", "{}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(folder, bad[i]), 0);
        assert_not_opened(path, ": others can write its folder (chmod go-w)");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json_file file;
        assert_int_equal(chmod(folder, good[i]), 0);
        assert_int_equal(json_file_open(&file, path), 0);
        json_file_close(&file);
    }
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 12345, 0), 0);
        assert_not_opened(path, ": its folder belongs neither to root nor to the agent's user");
    }
}

static void long_files(void **state)
{
    (void)state;
    char *text = malloc(JSON_FILE_MAX + 2);
    assert_non_null(text);
    memset(text, ' ', JSON_FILE_MAX + 1);
    text[JSON_FILE_MAX + 1] = '\0';
    memcpy(text, "{}", 2);
    assert_not_opened(scratch_write("long", text), ": longer than 1 MiB");
    text[JSON_FILE_MAX] = '\0';
    struct json_file file;
    assert_int_equal(json_file_open(&file, scratch_write("just", text)), 0);
    json_file_close(&file);
    free(text);
}

static void what_is_no_json(void **state)
{
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        {"", ":1: "},
        {"{", ":1: "},
        {"{\n'a':1,\n}", ":3: "},
        {"{'a':1,\n'a':2}", ":2: duplicate object key"},
        {"{\n'a':\n'\x01'}", ":3: "},
        {"{'a':'\xff'}", ":1: unable to decode byte 0xff"},
        {"{'a':'\\u0000'}", ":1: "},
        {"{'a':'\\ud800'}", ":1: "},
        {"{}\n{}", ":2: end of file expected"},
        {"{} // no comments", ":1: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_file file;
        const char *path = scratch_json("bad", cases[i].text);
        assert_int_equal(json_file_open(&file, path), -1);
        const char *rest = file.error + strlen(path);
        if (strncmp(rest, cases[i].line, strlen(cases[i].line)) != 0)
            fail_msg("\"%s\" gives \"%s\"", cases[i].text, rest);
        json_file_close(&file);
    }
}

/* What the tables below take. */
struct taken {
    char *name;
    json_int_t size;
    size_t colour;
    size_t elements;
    char *inner;
};

static int take_name(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_string(file, at, 8, &((struct taken *)target)->name);
}

static int take_size(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_integer(file, at, -5, 5, &((struct taken *)target)->size);
}

static const char *colour_name(size_t index)
{
    static const char *const names[] = {"red", "green"};
    return index < 2 ? names[index] : NULL;
}

static int take_colour(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_choice(file, at, colour_name, &((struct taken *)target)->colour);
}

static int take_inner(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_string(file, at, 8, &((struct taken *)target)->inner);
}

static const struct json_member inner_members[] = {{"inner", true, take_inner},
                                                   {NULL, false, NULL}};

static int take_element(struct json_file *file, const struct json_at *at, void *target)
{
    ((struct taken *)target)->elements++;
    return json_take_object(file, at, inner_members, target);
}

static int take_list(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, 3, take_element, target);
}

static const struct json_member members[] = {
    {"name", true, take_name},  {"size", false, take_size}, {"colour", false, take_colour},
    {"list", false, take_list}, {NULL, false, NULL},
};

/* Takes a file by the table; returns its error, or "" behind a good one. */
static const char *take(const char *text, struct taken *taken)
{
    static char error[JSON_FILE_ERROR_MAX];
    struct json_file file;
    const char *path = scratch_json("file", text);
    assert_int_equal(json_file_open(&file, path), 0);
    struct json_at root = {.value = file.root};
    *taken = (struct taken){.size = 99, .colour = 99};
    int r = json_take_object(&file, &root, members, taken);
    assert_int_equal(r, file.error[0] ? -1 : 0);
    snprintf(error, sizeof error, "%s", r < 0 ? file.error + strlen(path) + 1 : "");
    json_file_close(&file);
    free(taken->name);
    free(taken->inner);
    return error;
}

static void members_are_taken(void **state)
{
    struct taken taken;
    (void)state;
    assert_string_equal(take("{'name':'12345678','size':-5,'colour':'green','description':'#1',"
                             "'list':[{'inner':'a'},{'inner':'b','description':''}]}",
                             &taken),
                        "");
    assert_int_equal(taken.size, -5);
    assert_int_equal(taken.colour, 1);
    assert_int_equal(taken.elements, 2);
}

/* For a reader whom only some members concern. */
static void other_members_are_left_alone(void **state)
{
    struct json_file file;
    struct taken taken = {0};
    (void)state;
    const char *path = scratch_json("file", "{'name':'x','other':{},'description':7}");
    assert_int_equal(json_file_open(&file, path), 0);
    struct json_at root = {.value = file.root};
    assert_int_equal(json_take_members(&file, &root, members, &taken), 0);
    assert_string_equal(taken.name, "x");
    free(taken.name);
    json_file_close(&file);

    path = scratch_json("file", "{'other':1}");
    assert_int_equal(json_file_open(&file, path), 0);
    root.value = file.root;
    assert_int_equal(json_take_members(&file, &root, members, &taken), -1);
    assert_error(&file, ":1: \"name\" is missing");
    json_file_close(&file);
}

static void every_error_names_line_and_member(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"\n[]", "2: must be an object"},
        {"{}", "1: \"name\" is missing"},
        {"{'name':'x',\n'nam':1}", "2: nam: there is no such member"},
        {"{'name':'x',\n'description':1}", "2: description: must be a string"},
        {"{\n'name':1}", "2: name: must be a string"},
        {"{'name':''}", "1: name: must have 1 to 8 bytes"},
        {"{'name':'123456789'}", "1: name: must have 1 to 8 bytes"},
        {"{'name':'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x'}", "1: name: must have 1 to 8 bytes"},
        {"{'name':'a\\n'}", "1: name: has a control character"},
        {"{'name':'a\x7f'}", "1: name: has a control character"},
        {"{'name':'x','size':6}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','size':-6}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','size':1.0}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','size':'1'}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','size':true}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','size':null}", "1: size: must be an integer from -5 to 5"},
        {"{'name':'x','colour':'blue'}", "1: colour: must be one of red, green"},
        {"{'name':'x','colour':1}", "1: colour: must be one of red, green"},
        {"{'name':'x','list':{}}", "1: list: must be an array"},
        {"{'name':'x','list':[]}", "1: list: must have 1 to 3 elements"},
        {"{'name':'x','list':[1,2,3,4]}", "1: list: must have 1 to 3 elements"},
        {"{'name':'x','list':[\n{'inner':'a'},\n7]}", "3: list[1]: must be an object"},
        {"{'name':'x','list':[\n{'inner':'a'},\n{\n'inner':1}]}",
         "4: list[1].inner: must be a string"},
        {"{'name':'x','list':[{'inner':'a'},\n{}]}", "2: list[1]: \"inner\" is missing"},
        {"{'name':'x','list':[{'outer':'a'}]}", "1: list[0].outer: there is no such member"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct taken taken;
        assert_string_equal(take(cases[i].text, &taken), cases[i].error);
    }
}

/* A place that is too long to be shown is cut, and what is wrong is still said. */
static void long_names(void **state)
{
    struct taken taken;
    char text[400] = "{'name':'x','", name[301];
    (void)state;
    memset(name, 'n', 300);
    name[300] = '\0';
    strcat(text, name);
    strcat(text, "':1}");
    name[127] = '\0';
    char wanted[400];
    snprintf(wanted, sizeof wanted, "1: %s: there is no such member", name);
    assert_string_equal(take(text, &taken), wanted);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(opens),
        test(files_that_cannot_be_read),
        test(files_that_others_can_write),
        test(files_of_other_users_as_root),
        test(folders_that_others_can_write),
        test(long_files),
        test(what_is_no_json),
        test(members_are_taken),
        test(other_members_are_left_alone),
        test(every_error_names_line_and_member),
        test(long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
