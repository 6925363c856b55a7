/* Bytes that must not outlive their use: every way out wipes them. */
#include "config.h"
#include "pkcs11/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int secret_reserve(struct secret *secret, size_t size)
{
    secret_wipe(secret);
    secret->data = calloc(1, size + 1);
    if (!secret->data)
        return -ENOMEM;
    secret->length = size;
    return 0;
}

int secret_read(int fd, struct secret *ret_secret)
{
    _cleanup_secret_ struct secret secret = {0};
    /* With room for the newline and for one byte more than allowed, so that a longer secret is
     * seen; and never reallocated: a moved buffer would leave a copy behind. */
    if (secret_reserve(&secret, SECRET_MAX + 2) < 0)
        return -ENOMEM;
    size_t length = 0;
    while (length < secret.length) {
        ssize_t n = read(fd, secret.data + length, secret.length - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    if (length > 0 && secret.data[length - 1] == '\n')
        length--;
    if (length > SECRET_MAX)
        return -EMSGSIZE;
    secret.data[length] = '\0';
    secret.length = length;
    *ret_secret = secret;
    secret.data = NULL;
    return 0;
}

void secret_wipe(struct secret *secret)
{
    /* secret_read may have shortened `length`; what lies behind it was zero or a newline. */
    if (secret->data)
        explicit_bzero(secret->data, secret->length);
    free(secret->data);
    *secret = (struct secret){0};
}
