/* Tests of agent/provider_keys_file.c: names of files, and what files must be like. */
#include "config.h"
#include "agent/provider_keys_file.h"
#include "tests/unit/scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define ISSUER "https://op.example"
#define NAME   "https%3A%2F%2Fop.example.json"

static void names_of_issuers(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {ISSUER, NAME},
        {"https://op.example/", "https%3A%2F%2Fop.example%2F.json"},
        {"https://OP.example:8443/a-b_c~d/%20",
         "https%3A%2F%2FOP.example%3A8443%2Fa-b_c~d%2F%2520.json"},
        {"https://[::1]/a@b", "https%3A%2F%2F%5B%3A%3A1%5D%2Fa%40b.json"},
        {"https://x/../..", "https%3A%2F%2Fx%2F..%2F...json"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char name[PROVIDER_KEYS_NAME_SIZE];
        assert_int_equal(provider_keys_file_name(pairs[i][0], name), 0);
        assert_string_equal(name, pairs[i][1]);
    }
}

static void strings_that_are_no_issuers(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "",
        "op.example",
        "http://op.example",
        "HTTPS://op.example",
        "https:/op.example",
        "https://",
        "https:///path",
        "https://op.example?",
        "https://op.example/?a=b",
        "https://op.example#",
        "https://me@op.example/",
        "https://me:pw@op.example",
        "https://op.example/a b",
        "https://op.example/\n",
        "https://op.example\\@evil.example",
        "https://\xc3\xb6p.example",
        "https://op.example/\"",
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        char name[PROVIDER_KEYS_NAME_SIZE] = "untouched";
        if (provider_keys_file_name(strings[i], name) != -1)
            fail_msg("%s has the name %s", strings[i], name);
        assert_string_equal(name, "untouched");
    }
}

static void names_have_a_limit(void **state)
{
    (void)state;
    char issuer[400] = "https://", name[PROVIDER_KEYS_NAME_SIZE];
    size_t longest = 0;
    for (size_t length = strlen(issuer); length < sizeof issuer - 1; length++) {
        issuer[length] = 'a';
        if (provider_keys_file_name(issuer, name) == 0)
            longest = length + 1;
    }
    assert_in_range(longest, 230, 249);
    memset(issuer + strlen("https://a"), '/', 85);
    issuer[strlen("https://a") + 85] = '\0';
    assert_int_equal(provider_keys_file_name(issuer, name), -1);
}

/* Reads what stands in the scratch folder under NAME. */
static int read_it(struct provider_keys_file *file)
{
    return provider_keys_file_read(file, scratch_path("."), ISSUER);
}

static void assert_bad(const char *json, const char *words)
{
    struct provider_keys_file file;
    scratch_json(NAME, json);
    assert_int_equal(read_it(&file), PROVIDER_KEYS_FILE_BAD);
    if (!strstr(file.json.error, words) || !strstr(file.json.error, NAME))
        fail_msg("%s: %s", json, file.json.error);
    provider_keys_file_close(&file);
}

static void a_file_that_was_fetched(void **state)
{
    (void)state;
    struct provider_keys_file file;
    scratch_json(NAME, "{ 'issuer': '" ISSUER "', 'fetched_at': 1700000000, 'keys': [ {}, {} ] }");
    assert_int_equal(read_it(&file), 0);
    assert_int_equal(file.fetched_at, 1700000000);
    assert_int_equal(json_array_size(file.keys), 2);
    provider_keys_file_close(&file);
}

static void a_file_that_is_pinned(void **state)
{
    (void)state;
    struct provider_keys_file file;
    scratch_json(NAME, "{ 'issuer': '" ISSUER "', 'description': 'by hand', 'keys': [ {} ] }");
    assert_int_equal(read_it(&file), 0);
    assert_int_equal(file.fetched_at, PROVIDER_KEYS_PINNED);
    provider_keys_file_close(&file);
}

static void bad_files(void **state)
{
    (void)state;
    assert_bad("", "");
    assert_bad("{ 'issuer': '" ISSUER "', 'keys': [ {}", ":1: ");
    assert_bad("[]", "must be an object");
    assert_bad("{ 'keys': [ {} ] }", "\"issuer\" is missing");
    assert_bad("{ 'issuer': '" ISSUER "' }", "\"keys\" is missing");
    assert_bad("{ 'issuer': '" ISSUER "/', 'keys': [ {} ] }", "issuer: is not the issuer");
    assert_bad("{ 'issuer': null, 'keys': [ {} ] }", "issuer: is not the issuer");
    assert_bad("{ 'issuer': '" ISSUER "', 'keys': [] }", "keys: must have 1 to 64 elements");
    assert_bad("{ 'issuer': '" ISSUER "', 'keys': {} }", "keys: must be an array");
    assert_bad("{ 'issuer': '" ISSUER "', 'keys': [ 1 ] }", "keys[0]: must be an object");
    assert_bad("{ 'issuer': '" ISSUER "', 'keys': [ {} ], 'keys': [ {} ] }", "duplicate");
    assert_bad("{ 'issuer': '" ISSUER "', 'fetched_at': '1', 'keys': [ {} ] }", "fetched_at: ");
    assert_bad("{ 'issuer': '" ISSUER "', 'fetched_at': -1, 'keys': [ {} ] }", "fetched_at: ");
    assert_bad("{ 'issuer': '" ISSUER "', 'fetched_at': 1e9, 'keys': [ {} ] }", "fetched_at: ");
    assert_bad("{ 'issuer': '" ISSUER "', 'fetched': 1, 'keys': [ {} ] }",
               "fetched: there is no such member");
}

static void too_many_keys(void **state)
{
    (void)state;
    char json[1024] = "{ 'issuer': '" ISSUER "', 'keys': [ {}";
    for (size_t i = 0; i < PROVIDER_KEYS_MAX; i++)
        strcat(json, ",{}");
    strcat(json, "] }");
    assert_bad(json, "keys: must have 1 to 64 elements");
}

static void missing_files(void **state)
{
    (void)state;
    struct provider_keys_file file;
    assert_int_equal(read_it(&file), PROVIDER_KEYS_FILE_MISSING);
    provider_keys_file_close(&file);
    assert_int_equal(provider_keys_file_read(&file, scratch_path("nowhere"), ISSUER),
                     PROVIDER_KEYS_FILE_BAD);
    assert_non_null(strstr(file.json.error, "nowhere: No such file"));
    provider_keys_file_close(&file);
    assert_int_equal(provider_keys_file_read(&file, scratch_path("."), "http://op.example"),
                     PROVIDER_KEYS_FILE_BAD);
    provider_keys_file_close(&file);
    /* A link to nowhere is not missing: nobody shall write where it points. */
    assert_int_equal(symlink("nowhere", scratch_path(NAME)), 0);
    assert_int_equal(read_it(&file), PROVIDER_KEYS_FILE_BAD);
    provider_keys_file_close(&file);
}

static void files_that_others_can_write(void **state)
{
    (void)state;
    struct provider_keys_file file;
    const char *path = scratch_json(NAME, "{ 'issuer': '" ISSUER "', 'keys': [ {} ] }");
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(read_it(&file), PROVIDER_KEYS_FILE_BAD);
    assert_non_null(strstr(file.json.error, "others can write it"));
    provider_keys_file_close(&file);
}

static void files_of_other_users(void **state)
{
    (void)state;
    struct provider_keys_file file;
    if (geteuid() != 0)
        skip();
    const char *path = scratch_json(NAME, "{ 'issuer': '" ISSUER "', 'keys': [ {} ] }");
    assert_int_equal(chown(path, 1, 1), 0);
    assert_int_equal(read_it(&file), PROVIDER_KEYS_FILE_BAD);
    assert_non_null(strstr(file.json.error, "belongs neither to root"));
    provider_keys_file_close(&file);
    assert_int_equal(chown(scratch_path("."), 1, 1), 0);
    assert_int_equal(read_it(&file), 0);
    provider_keys_file_close(&file);
    assert_int_equal(chown(scratch_path("."), 0, 0), 0);
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *dir = opendir(scratch_path("."));
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void what_was_written_can_be_read(void **state)
{
    (void)state;
    char error[JSON_FILE_ERROR_MAX] = "";
    struct provider_keys_file file;
    struct stat st;
    json_t *keys = json_pack("[{s:s, s:s}]", "kty", "OKP", "kid", "\xf0\x9f\x98\x80 \x01");
    scratch_write(NAME, "old");
    mode_t old_mask = umask(077);
    assert_int_equal(provider_keys_file_write(scratch_path("."), ISSUER, 1700000000, keys, error),
                     0);
    umask(old_mask);
    assert_int_equal(stat(scratch_path(NAME), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(read_it(&file), 0);
    assert_int_equal(file.fetched_at, 1700000000);
    assert_true(json_equal(file.keys, keys));
    assert_int_equal(files_in_folder(), 1);
    provider_keys_file_close(&file);
    json_decref(keys);
}

static void a_failed_write_leaves_nothing(void **state)
{
    (void)state;
    char error[JSON_FILE_ERROR_MAX] = "";
    json_t *keys = json_pack("[{}]");
    assert_int_equal(provider_keys_file_write(scratch_path("nowhere"), ISSUER, 0, keys, error), -1);
    assert_non_null(strstr(error, "nowhere/" NAME ": No such file"));
    scratch_folder(NAME); /* cannot be replaced by a file */
    assert_int_equal(provider_keys_file_write(scratch_path("."), ISSUER, 0, keys, error), -1);
    assert_non_null(strstr(error, NAME ": Is a directory"));
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(provider_keys_file_write(scratch_path("."), "op", 0, keys, error), -1);
    json_decref(keys);
}

#define in_scratch(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_issuers),
        cmocka_unit_test(strings_that_are_no_issuers),
        cmocka_unit_test(names_have_a_limit),
        in_scratch(a_file_that_was_fetched),
        in_scratch(a_file_that_is_pinned),
        in_scratch(bad_files),
        in_scratch(too_many_keys),
        in_scratch(missing_files),
        in_scratch(files_that_others_can_write),
        in_scratch(files_of_other_users),
        in_scratch(what_was_written_can_be_read),
        in_scratch(a_failed_write_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
