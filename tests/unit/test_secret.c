/* Tests of pkcs11/secret.c: what is read, and that nothing of it is left. */
#include "config.h"
#include "pkcs11/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A descriptor from which these bytes can be read. */
static int holding(const void *data, size_t length)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    rewind(file);
    int fd = dup(fileno(file));
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int read_bytes(const void *data, size_t length, struct secret *ret_secret)
{
    int fd = holding(data, length);
    int r = secret_read(fd, ret_secret);
    close(fd);
    return r;
}

static void one_final_newline_is_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *written, *secret;
    } rows[] = {
        {"abc", "abc"},   {"abc\n", "abc"},   {"abc\n\n", "abc\n"},
        {"a\nb", "a\nb"}, {"\nabc", "\nabc"}, {"abc\r\n", "abc\r"},
        {"", ""},         {"\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        _cleanup_secret_ struct secret secret = {0};
        assert_int_equal(read_bytes(rows[i].written, strlen(rows[i].written), &secret), 0);
        assert_int_equal(secret.length, strlen(rows[i].secret));
        assert_memory_equal(secret.data, rows[i].secret, secret.length + 1);
    }
}

static void every_byte_is_kept(void **state)
{
    (void)state;
    unsigned char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    _cleanup_secret_ struct secret secret = {0};
    assert_int_equal(read_bytes(bytes, sizeof bytes, &secret), 0);
    assert_int_equal(secret.length, sizeof bytes);
    assert_memory_equal(secret.data, bytes, sizeof bytes);
}

static void limit(void **state)
{
    (void)state;
    char *text = malloc(SECRET_MAX + 2);
    assert_non_null(text);
    memset(text, 'x', SECRET_MAX + 2);
    struct secret secret = {0};
    assert_int_equal(read_bytes(text, SECRET_MAX, &secret), 0);
    assert_int_equal(secret.length, SECRET_MAX);
    secret_wipe(&secret);
    assert_int_equal(read_bytes(text, SECRET_MAX + 1, &secret), -EMSGSIZE);
    assert_null(secret.data);
    text[SECRET_MAX] = text[SECRET_MAX + 1] = '\n';
    assert_int_equal(read_bytes(text, SECRET_MAX + 1, &secret), 0);
    assert_int_equal(secret.length, SECRET_MAX);
    secret_wipe(&secret);
    assert_int_equal(read_bytes(text, SECRET_MAX + 2, &secret), -EMSGSIZE);
    assert_null(secret.data);
    free(text);
}

static void unreadable(void **state)
{
    (void)state;
    struct secret secret = {0};
    assert_int_equal(secret_read(-1, &secret), -EBADF);
    assert_null(secret.data);
}

/* A pipe gives what is there, not what was asked for. */
static void pieces(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        for (const char *p = "secret\n"; *p; p++)
            if (write(fds[1], p, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    _cleanup_secret_ struct secret secret = {0};
    assert_int_equal(secret_read(fds[0], &secret), 0);
    assert_string_equal((char *)secret.data, "secret");
    close(fds[0]);
}

static void room_is_zero_and_replaced(void **state)
{
    (void)state;
    struct secret secret = {0};
    assert_int_equal(secret_reserve(&secret, 8), 0);
    assert_int_equal(secret.length, 8);
    assert_memory_equal(secret.data, "\0\0\0\0\0\0\0\0", 9);
    memset(secret.data, 'x', 8);
    assert_int_equal(secret_reserve(&secret, 4), 0);
    assert_int_equal(secret.length, 4);
    assert_memory_equal(secret.data, "\0\0\0\0", 5);
    secret_wipe(&secret);
    assert_null(secret.data);
    assert_int_equal(secret.length, 0);
    secret_wipe(&secret);
}

#define PATTERN_LEN 64

/* Never in memory as a whole but where it is written to. */
static unsigned char pattern(size_t i)
{
    return (unsigned char)(0xa7 ^ (i * 37));
}

/* Without its beginning, which the allocator uses for itself once it is freed. */
static bool has_pattern(const unsigned char *begin, const unsigned char *end)
{
    const size_t skipped = 32;
    for (const unsigned char *p = begin; p + PATTERN_LEN - skipped <= end; p++) {
        size_t i = skipped;
        while (i < PATTERN_LEN && p[i - skipped] == pattern(i))
            i++;
        if (i == PATTERN_LEN)
            return true;
    }
    return false;
}

static bool is_in_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    char line[512], mode[5];
    unsigned long begin, end;
    bool found = false;
    while (!found && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) == 3 && strncmp(mode, "rw", 2) == 0)
            found = has_pattern((const unsigned char *)begin, (const unsigned char *)end);
    fclose(maps);
    return found;
}

static void nothing_is_left_in_memory(void **state)
{
    (void)state;
    const char *sanitized = getenv("SANITIZED");
    if (sanitized && strcmp(sanitized, "yes") == 0)
        return; /* a sanitizer keeps memory that must not be read */
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    for (size_t i = 0; i < PATTERN_LEN; i++) {
        unsigned char byte = pattern(i);
        assert_int_equal(write(fds[1], &byte, 1), 1);
    }
    close(fds[1]);
    struct secret secret = {0};
    assert_int_equal(secret_read(fds[0], &secret), 0);
    close(fds[0]);
    assert_true(is_in_memory());
    secret_wipe(&secret);
    assert_false(is_in_memory());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_final_newline_is_dropped),
        cmocka_unit_test(every_byte_is_kept),
        cmocka_unit_test(limit),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(pieces),
        cmocka_unit_test(room_is_zero_and_replaced),
        cmocka_unit_test(nothing_is_left_in_memory),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
