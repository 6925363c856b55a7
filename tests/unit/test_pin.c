/* Tests of pkcs11/pin.c: which PIN files are taken. */
#include "config.h"
#include "pkcs11/pin.h"

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

static char folder[] = "/tmp/hintsign-pin.XXXXXX";
static char path[sizeof folder + 8];

static int setup(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/pin", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_pin(const char *text, mode_t mode)
{
    unlink(path); /* one that may not be written */
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_pin(const char *source, const char *wanted)
{
    _cleanup_secret_ struct secret pin = {0};
    struct p11_error error;
    assert_int_equal(pin_fetch(source, &pin, &error), 0);
    assert_string_equal((char *)pin.data, wanted);
    assert_int_equal(pin.length, strlen(wanted));
}

static void expect_refusal(const char *source, const char *words)
{
    struct secret pin = {0};
    struct p11_error error;
    assert_int_equal(pin_fetch(source, &pin, &error), P11_INVALID);
    assert_null(pin.data);
    assert_non_null(strstr(error.text, words));
}

static void names_of_a_file(void **state)
{
    (void)state;
    char source[sizeof path + 16];
    write_pin("1234\n", 0600);
    expect_pin(path, "1234");
    snprintf(source, sizeof source, "file:%s", path);
    expect_pin(source, "1234");
    snprintf(source, sizeof source, "file://%s", path);
    expect_pin(source, "1234");
}

static void other_sources(void **state)
{
    (void)state;
    expect_refusal("pin", "/absolute/path");
    expect_refusal("file:pin", "/absolute/path");
    expect_refusal("", "/absolute/path");
    expect_refusal("|/bin/echo 1234", "/absolute/path");
    expect_refusal(path, "No such file");
    expect_refusal(folder, "not a regular file");
    expect_refusal("/dev/zero", "not a regular file");
}

static void credentials(void **state)
{
    (void)state;
    write_pin("1234\n", 0400);
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_refusal("credential:pin", "CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    expect_pin("credential:pin", "1234");
    expect_refusal("credential:other", "No such file");
    static const char *const names[] = {"", ".", "..", "../pin", "/etc/passwd", "a/b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char source[64];
        snprintf(source, sizeof source, "credential:%s", names[i]);
        expect_refusal(source, "the name of a credential");
    }
    setenv("CREDENTIALS_DIRECTORY", "relative", 1);
    expect_refusal("credential:pin", "CREDENTIALS_DIRECTORY");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void modes(void **state)
{
    (void)state;
    static const mode_t good[] = {0600, 0400, 0640}, bad[] = {0644, 0620, 0602, 0666, 0601};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        write_pin("1234", 0600);
        chmod(path, good[i]);
        expect_pin(path, "1234");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_pin("1234", 0600);
        chmod(path, bad[i]);
        expect_refusal(path, "lets others read or write the PIN");
    }
}

static void folders(void **state)
{
    (void)state;
    static const mode_t good[] = {0700, 0755, 01777}, bad[] = {0770, 0707, 0777};
    write_pin("1234", 0600);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(folder, bad[i]), 0);
        expect_refusal(path, "others can write its folder");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(chmod(folder, good[i]), 0);
        expect_pin(path, "1234");
    }
    if (chown(folder, 65534, (gid_t)-1) == 0) /* only root can give folders away */
        expect_refusal(path, "its folder belongs to uid 65534");
}

static void empty(void **state)
{
    (void)state;
    write_pin("", 0600);
    expect_refusal(path, "empty");
    write_pin("\n", 0600);
    expect_refusal(path, "empty");
}

static void somebody_elses(void **state)
{
    (void)state;
    write_pin("1234", 0600);
    if (chown(path, 65534, (gid_t)-1) < 0)
        return; /* only root can give files away */
    expect_refusal(path, "belongs to uid 65534");
}

/* Nobody must be able to hold the process up. */
static void named_pipe(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(path, "not a regular file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(names_of_a_file), TEST(other_sources), TEST(credentials),    TEST(modes),
        TEST(folders),         TEST(empty),         TEST(somebody_elses), TEST(named_pipe),
    };
    return cmocka_run_group_tests_name("pin", tests, NULL, NULL);
}
