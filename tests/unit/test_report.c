/* Tests of pkcs11/key/report.c: what is printed, and what counts as a change. */
#include "config.h"
#include "pkcs11/key/report.h"
#include "tests/unit/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct report report;
static struct token token;

static int begin(void **state)
{
    (void)state;
    report = (struct report){.count = 0};
    memset(&token.info, ' ', sizeof token.info);
    memcpy(token.info.label, "hints \x1b[1m\xc2\x9b\x7f", 13);
    memcpy(token.info.manufacturerID, "Maker", 5);
    token.info.hardwareVersion = (CK_VERSION){2, 6};
    token.info.firmwareVersion = (CK_VERSION){1, 10};
    return 0;
}

/* Returns the output; to be freed. */
static char *print(bool works, bool json, const char *compare, size_t *ret_lost)
{
    struct p11_error error;
    size_t lost;
    scratch_output("output");
    int r = report_print(&report, &token, works, json, compare, &lost, &error);
    scratch_output_end();
    if (r < 0)
        fail_msg("%s", error.text);
    if (ret_lost)
        *ret_lost = lost;
    else
        assert_int_equal(lost, 0);
    return scratch_read("output", NULL);
}

static void results(void **state)
{
    char letters[P11_ERROR_TEXT_MAX + 10];
    (void)state;
    report_add(&report, "sign HS256", true, 12.5, "right, in %d ways", 2);
    report_add(&report, "sign RS256", false, 0, "no\x1b[31m such\nthing");
    assert_int_equal(report.count, 2);
    assert_string_equal(report.results[0].name, "sign HS256");
    assert_true(report.results[0].works && report.results[0].us == 12.5);
    assert_string_equal(report.results[0].detail, "right, in 2 ways");
    assert_false(report.results[1].works);
    assert_string_equal(report.results[1].detail, "no\\x1b[31m such\\x0athing");
    memset(letters, 'x', sizeof letters);
    letters[sizeof letters - 1] = '\0';
    report_add(&report, letters, true, 0, "%s", letters);
    assert_int_equal(strlen(report.results[2].name), REPORT_NAME_MAX - 1);
    assert_int_equal(strlen(report.results[2].detail), P11_ERROR_TEXT_MAX - 1);
    memset(letters, '\x1b', sizeof letters - 1);
    report_add(&report, "", true, 0, "%s", letters);
    assert_int_equal(strlen(report.results[3].detail), P11_ERROR_TEXT_MAX - 1);
}

static void any_works(void **state)
{
    (void)state;
    assert_false(report_any_works(&report, "sign "));
    report_add(&report, "sign HS256", false, 0, "no");
    report_add(&report, "create key", true, 0, "yes");
    report_add(&report, "not sign HS256", true, 0, "yes");
    assert_false(report_any_works(&report, "sign "));
    assert_true(report_any_works(&report, "create"));
    assert_ptr_equal(report_find(&report, "create key"), &report.results[1]);
    assert_null(report_find(&report, "create"));
    report_add(&report, "sign ES256", true, 0, "yes");
    assert_true(report_any_works(&report, "sign "));
}

static void table(void **state)
{
    (void)state;
    report_add(&report, "sign HS256", true, 12.6, "right");
    report_add(&report, "sign RS256", false, 0, "C_SignInit: CKR_MECHANISM_INVALID");
    char *text = print(true, false, NULL, NULL);
    assert_string_equal(text, "label        hints \\x1b[1m\\xc2\\x9b\\x7f\n"
                              "manufacturer Maker\n"
                              "model        \n"
                              "serial       \n"
                              "hardware     2.6\n"
                              "firmware     1.10\n"
                              "\n"
                              "sign HS256                   yes        13 us  right\n"
                              "sign RS256                   no                "
                              "C_SignInit: CKR_MECHANISM_INVALID\n");
    free(text);
}

static void json(void **state)
{
    (void)state;
    report_add(&report, "sign HS256", true, 12.5, "right");
    report_add(&report, "sign RS256", false, 0, "no");
    char *text = print(false, true, NULL, NULL);
    assert_non_null(strstr(text, "\"hints \\u001B[1m\\u009B\\u007F\","));
    json_t *file = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *wanted = json_pack(
        "{s:i, s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:b, s:[{s:s, s:b, s:f, s:s}, {s:s, s:b, s:s}]}",
        "version", 1, "token", "label", "hints \x1b[1m\xc2\x9b\x7f", "manufacturer", "Maker",
        "model", "", "serial", "", "hardware", "2.6", "firmware", "1.10", "agent_can_work", 0,
        "results", "name", "sign HS256", "works", 1, "microseconds", 12.5, "detail", "right",
        "name", "sign RS256", "works", 0, "detail", "no");
    assert_true(json_equal(file, wanted));
    json_decref(wanted);
    json_decref(file);
    free(text);
}

/* --- comparing --- */

#define RESULT(name, works, detail) "{'name':'" name "','works':" works ",'detail':'" detail "'}"
#define FILE_OF(results)            "{'version':1,'results':[" results "]}"

/* Compares with the file, and expects these lines. */
static void compare(const char *file, size_t lost, const char *wanted)
{
    size_t its_lost;
    char *text = print(true, false, scratch_json("before", file), &its_lost);
    const char *lines = strstr(text, "\nchanged: ");
    assert_string_equal(lines ? lines + 1 : "", wanted);
    assert_int_equal(its_lost, lost);
    free(text);
}

static void changes(void **state)
{
    (void)state;
    report_add(&report, "a", true, 5, "right");
    report_add(&report, "b", false, 0, "no");
    const char *same = RESULT("a", "true", "right") "," RESULT("b", "false", "no");
    char file[512];
    snprintf(file, sizeof file, FILE_OF("%s"), same);
    compare(file, 0, "");
    compare(FILE_OF(RESULT("b", "false", "no") "," RESULT("a", "true", "right")), 0, "");
    compare(FILE_OF(RESULT("a", "true", "in a way") "," RESULT("b", "false", "no")), 0,
            "changed: a: yes (right), before: yes (in a way)\n");
    compare(FILE_OF(RESULT("a", "false", "right") "," RESULT("b", "false", "no")), 0,
            "changed: a: yes (right), before: no (right)\n");
    compare(FILE_OF(RESULT("a", "true", "right") "," RESULT("b", "true", "right")), 1,
            "changed: b: no (no), before: yes (right)\n");
    compare(FILE_OF(RESULT("b", "true", "no")), 1,
            "changed: a: yes (right), before: no (not tried)\n"
            "changed: b: no (no), before: yes (no)\n");
    snprintf(file, sizeof file, FILE_OF("%s," RESULT("c", "true", "right")), same);
    compare(file, 1, "changed: c: no (not tried), before: yes (right)\n");
    snprintf(file, sizeof file, FILE_OF("%s," RESULT("c", "false", "no")), same);
    compare(file, 0, "changed: c: no (not tried), before: no (no)\n");
    compare(FILE_OF(""), 0,
            "changed: a: yes (right), before: no (not tried)\n"
            "changed: b: no (no), before: no (not tried)\n");
}

/* Its own output, with times that differ. */
static void compared_with_itself(void **state)
{
    size_t lost;
    (void)state;
    report_add(&report, "a", true, 5, "\"quoted\" \xc3\xbc \x1b");
    report_add(&report, "b", false, 0, "no");
    free(print(true, true, NULL, NULL));
    char *before = scratch_read("output", NULL);
    const char *path = scratch_write("before", before);
    report.results[0].us = 7;
    char *text = print(true, true, path, &lost);
    json_t *file = json_loads(text, 0, NULL);
    assert_int_equal(lost, 0);
    assert_int_equal(json_array_size(json_object_get(file, "changes")), 0);
    assert_true(json_is_array(json_object_get(file, "changes")));
    json_decref(file);
    free(text);
    free(before);
}

static void files_that_are_none(void **state)
{
    static const char *const files[] = {
        "",
        "[]",
        "{}",
        "{'version':1}",
        "{'version':1,'results':{}}",
        "{'version':2,'results':[]}",
        "{'results':[]}",
        FILE_OF("1"),
        FILE_OF("{}"),
        FILE_OF("{'name':'a','works':true}"),
        FILE_OF("{'name':'a','works':'yes','detail':'right'}"),
        FILE_OF("{'name':1,'works':true,'detail':'right'}"),
        FILE_OF("{'name':'a','works':true,'detail':null}"),
        FILE_OF(RESULT("a\\u001b", "true", "right")),
        FILE_OF(RESULT("a", "true", "right\\n")),
        FILE_OF(RESULT("a", "true", "\\u009b1m")),
        FILE_OF(RESULT("0123456789012345678901234567890123456789", "true", "right")),
    };
    struct p11_error error;
    char long_detail[P11_ERROR_TEXT_MAX + 1], file[2 * P11_ERROR_TEXT_MAX];
    size_t lost;
    (void)state;
    report_add(&report, "a", true, 5, "right");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (report_print(&report, &token, true, true, scratch_json("none", files[i]), &lost,
                         &error) != P11_INVALID ||
            !strstr(error.text, "no result of hintsign-key probe --json"))
            fail_msg("%s", files[i]);
    assert_int_equal(
        report_print(&report, &token, true, true, scratch_path("missing"), &lost, &error),
        P11_INVALID);
    for (size_t length = P11_ERROR_TEXT_MAX - 1; length <= P11_ERROR_TEXT_MAX; length++) {
        memset(long_detail, 'x', length);
        long_detail[length] = '\0';
        snprintf(file, sizeof file, FILE_OF(RESULT("a", "true", "%s")), long_detail);
        const char *path = scratch_json("long", file);
        scratch_output("output");
        int r = report_print(&report, &token, true, true, path, &lost, &error);
        scratch_output_end();
        assert_int_equal(r, length < P11_ERROR_TEXT_MAX ? 0 : P11_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(results, begin),
        cmocka_unit_test_setup(any_works, begin),
        cmocka_unit_test_setup(table, begin),
        cmocka_unit_test_setup(json, begin),
        cmocka_unit_test_setup(changes, begin),
        cmocka_unit_test_setup(compared_with_itself, begin),
        cmocka_unit_test_setup(files_that_are_none, begin),
    };
    return cmocka_run_group_tests_name("report", tests, scratch_open, scratch_close);
}
