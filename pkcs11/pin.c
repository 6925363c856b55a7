/* Fetches the PIN that a token's URI points to. */
#include "config.h"
#include "pkcs11/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(int fd, const char *path, struct p11_error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return p11_error_text(error, P11_INVALID, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return p11_error_text(error, P11_INVALID, "%s: not a regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return p11_error_text(error, P11_INVALID, "%s: belongs to uid %u", path, st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IRWXO))
        return p11_error_text(error, P11_INVALID,
                              "%s: mode %04o lets others read or write the PIN (chmod 600)", path,
                              st.st_mode & 07777);
    return 0;
}

int pin_fetch(const char *source, struct secret *ret_pin, struct p11_error *error)
{
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    if (strncmp(path, "///", 3) == 0)
        path += 2;
    if (path[0] != '/')
        return p11_error_text(error, P11_INVALID, "pin-source must be file:/absolute/path");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return p11_error_text(error, P11_INVALID, "%s: %s", path, strerror(errno));
    int r = check_file(fd, path, error);
    if (r == 0) {
        r = secret_read(fd, ret_pin);
        if (r < 0)
            r = p11_error_text(error, P11_INVALID, "%s: %s", path, strerror(-r));
    }
    close(fd);
    if (r == 0 && ret_pin->length == 0) {
        secret_wipe(ret_pin);
        return p11_error_text(error, P11_INVALID, "%s: empty", path);
    }
    return r;
}
