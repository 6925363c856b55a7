/* Tests of transcripts: a chain of whole lines, in the form that the verifier takes. */
#include "config.h"
#include "pkcs11/key/transcript.h"
#include "client/text.h"
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

#define NAME "transcript"

/* The verifier rewrites each line with the agent's text_string. */
static void expect_text(const char *string)
{
    struct text wanted = {0};
    json_t *array = json_pack("[s]", string);
    char *text = transcript_text(array);
    text_put(&wanted, "[");
    text_string(&wanted, string, strlen(string));
    text_put(&wanted, "]");
    assert_int_equal(strlen(text), wanted.length);
    assert_memory_equal(text, wanted.data, wanted.length);
    text_free(&wanted);
    json_decref(array);
    free(text);
}

static void strings_as_the_agent_writes_them(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++)
        expect_text((const char[]){'a', (char)c, 'b', '\0'});
    expect_text("\\u000B \\\\u000B \\\x0b\\");
    expect_text("\xc2\x80 \xc3\xbc \xe2\x80\xa8 \xf0\x9f\x94\x91 </script>");
}

static void append(struct transcript *transcript, const char *label)
{
    struct p11_error error;
    json_t *members = json_pack("{s:s}", "label", label);
    assert_int_equal(transcript_append(transcript, "ceremony", members, &error), 0);
    json_decref(members);
}

static struct transcript open_transcript(void)
{
    struct transcript transcript;
    struct p11_error error;
    if (transcript_open(scratch_path(NAME), &transcript, &error) < 0)
        fail_msg("%s", error.text);
    return transcript;
}

static void expect_refused(const char *says)
{
    struct transcript transcript;
    struct p11_error error;
    assert_true(transcript_open(scratch_path(NAME), &transcript, &error) < 0);
    if (!strstr(error.text, says))
        fail_msg("%s", error.text);
    transcript_close(&transcript);
}

/* Checks numbers and hashes of all lines, and gives back how many there are. */
static int64_t check_chain(void)
{
    char *text = scratch_read(NAME, NULL), prev[65], hex[3];
    int64_t count = 0;
    memset(prev, '0', 64);
    prev[64] = '\0';
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned char hash[32];
        json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_integer_value(json_object_get(record, "seq")), ++count);
        assert_string_equal(json_string_value(json_object_get(record, "prev")), prev);
        json_decref(record);
        EVP_Digest(line, strlen(line), hash, NULL, EVP_sha256(), NULL);
        for (size_t i = 0; i < sizeof hash; i++) {
            snprintf(hex, sizeof hex, "%02x", hash[i]);
            memcpy(prev + 2 * i, hex, 2);
        }
    }
    free(text);
    return count;
}

static void a_chain_that_goes_on(void **state)
{
    struct stat st;
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct transcript transcript = open_transcript();
        append(&transcript, "one \x0b");
        append(&transcript, "two");
        transcript_close(&transcript);
    }
    assert_int_equal(check_chain(), 6);
    assert_int_equal(stat(scratch_path(NAME), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void no_transcript(void **state)
{
    struct transcript transcript;
    struct p11_error error;
    (void)state;
    assert_int_equal(transcript_open(NULL, &transcript, &error), 0);
    append(&transcript, "nowhere");
    transcript_close(&transcript);
}

/* The lines before stay, and a record says that something was cut off. */
static void a_line_that_was_not_finished(void **state)
{
    static const char *const torn[] = {"{", "{\"seq\":2,\"time\":\"20", "{\"seq\":1,\"ti"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        unlink(scratch_path(NAME));
        struct transcript transcript = open_transcript();
        if (i < 2) /* the last one is the first line of its file */
            append(&transcript, "whole");
        transcript_close(&transcript);
        FILE *file = fopen(scratch_path(NAME), "a");
        fputs(torn[i], file);
        fclose(file);
        transcript = open_transcript();
        append(&transcript, "after");
        transcript_close(&transcript);
        assert_int_equal(check_chain(), i < 2 ? 3 : 2);
        char *text = scratch_read(NAME, NULL), bytes[64];
        snprintf(bytes, sizeof bytes, "\"type\":\"torn\",\"bytes\":%zu,", strlen(torn[i]));
        assert_non_null(strstr(text, bytes));
        free(text);
    }
}

static void what_is_no_transcript(void **state)
{
    static const char *const others[] = {"nonsense", "nonsense\n", "{}\n", "{\"seq\":0}\n", "\n"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        scratch_write(NAME, others[i]);
        expect_refused("no ");
        char *text = scratch_read(NAME, NULL);
        assert_string_equal(text, others[i]);
        free(text);
    }
    unlink(scratch_path(NAME));
    scratch_folder(NAME);
    expect_refused("directory");
    rmdir(scratch_path(NAME));
    assert_int_equal(mkfifo(scratch_path(NAME), 0600), 0);
    expect_refused("not a regular file");
    unlink(scratch_path(NAME));
    assert_int_equal(symlink("elsewhere", scratch_path(NAME)), 0);
    expect_refused("symbolic links");
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct transcript transcript = open_transcript();
    expect_refused("another program is writing it");
    transcript_close(&transcript);
    transcript = open_transcript();
    transcript_close(&transcript);
}

static void a_full_disk(void **state)
{
    struct p11_error error;
    (void)state;
    struct transcript transcript = open_transcript();
    append(&transcript, "before");
    json_t *members = json_pack("{s:s}", "label", "too much");
    scratch_limit((rlim_t)transcript.size + 20);
    assert_int_equal(transcript_append(&transcript, "ceremony", members, &error), P11_FAILED);
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(check_chain(), 1);
    append(&transcript, "after");
    assert_int_equal(check_chain(), 2);
    json_decref(members);
    transcript_close(&transcript);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_as_the_agent_writes_them),
        TEST(a_chain_that_goes_on),
        TEST(no_transcript),
        TEST(a_line_that_was_not_finished),
        TEST(what_is_no_transcript),
        TEST(one_at_a_time),
        TEST(a_full_disk),
    };
    return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
