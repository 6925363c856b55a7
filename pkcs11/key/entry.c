/* Takes a client secret from a file, a terminal or a pipe: never from an argument. */
#include "config.h"
#include "pkcs11/key/entry.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/key/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUESTION_MAX 320

static int fail(int r, const char *where, struct p11_error *error)
{
    if (r == -EMSGSIZE)
        return p11_error_text(error, P11_INVALID, "%s: the secret is too long", where);
    return p11_error_text(error, P11_INVALID, "%s: %s", where, strerror(-r));
}

/* A pipe is as good as a file: that is how a shell hands over what a password store prints. */
static int check_file(int fd, const char *path, struct p11_error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail(-errno, path, error);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        return p11_error_text(error, P11_INVALID, "%s: neither a file nor a pipe", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return p11_error_text(error, P11_INVALID, "%s: belongs to uid %u", path, st.st_uid);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return p11_error_text(error, P11_INVALID,
                              "%s: mode %04o lets others read or write the secret: chmod 600, and "
                              "take the secret for known",
                              path, st.st_mode & 07777);
    return 0;
}

static int read_file(const char *path, struct secret *ret_secret, struct p11_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(-errno, path, error);
    int r = check_file(fd, path, error);
    if (r == 0) {
        r = secret_read(fd, ret_secret);
        if (r < 0)
            r = fail(r, path, error);
    }
    close(fd);
    return r;
}

static int read_terminal(const char *label, struct secret *ret_secret, struct p11_error *error)
{
    char question[QUESTION_MAX];
    if (label)
        snprintf(question, sizeof question, "Client secret for \"%s\": ", label);
    else
        snprintf(question, sizeof question, "Client secret: ");
    _cleanup_secret_ struct secret first = {0}, second = {0};
    int r = prompt_secret(question, &first);
    if (r == 0)
        r = prompt_secret("The same again: ", &second);
    if (r < 0)
        return fail(r, "terminal", error);
    if (first.length != second.length || CRYPTO_memcmp(first.data, second.data, first.length) != 0)
        return p11_error_text(error, P11_INVALID, "the two are not the same: nothing was done");
    *ret_secret = first;
    first = (struct secret){0};
    return 0;
}

static int read_secret(const struct options *options, struct secret *ret_secret,
                       struct p11_error *error)
{
    if (options->secret_file)
        return read_file(options->secret_file, ret_secret, error);
    if (isatty(STDIN_FILENO))
        return read_terminal(options->label, ret_secret, error);
    int r = secret_read(STDIN_FILENO, ret_secret);
    return r < 0 ? fail(r, "standard input", error) : 0;
}

int entry_key(const struct options *options, struct secret *ret_key, struct p11_error *error)
{
    _cleanup_secret_ struct secret secret = {0};
    int r = read_secret(options, &secret, error);
    if (r < 0)
        return r;
    return hmac_key_make(&secret, options->mech, options->derivation, options->allow_short, ret_key,
                         error);
}
