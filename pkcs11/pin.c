/* Fetches the PIN that a token's URI points to. */
#include "config.h"
#include "pkcs11/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Whoever can write the folder can put another file in the place of this one; in a sticky one he
 * can do so with his own alone. */
static int check_folder(const char *path, struct p11_error *error)
{
    struct stat st;
    char *folder = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    int r = folder ? stat(folder, &st) : -1;
    free(folder);
    if (r < 0)
        return p11_error_text(error, P11_INVALID, "%s: %s", path, strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return p11_error_text(error, P11_INVALID, "%s: its folder belongs to uid %u", path,
                              st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
        return p11_error_text(error, P11_INVALID, "%s: others can write its folder (chmod go-w)",
                              path);
    return 0;
}

/* What follows "credential:", or NULL where the source is none. */
static const char *credential_name(const char *source)
{
    static const char scheme[] = "credential:";
    size_t length = sizeof scheme - 1;
    return strncmp(source, scheme, length) == 0 ? source + length : NULL;
}

static const char *file_path(const char *source)
{
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    return strncmp(path, "///", 3) == 0 ? path + 2 : path;
}

int pin_check_source(const char *source, struct p11_error *error)
{
    const char *name = credential_name(source);
    if (!name && file_path(source)[0] != '/')
        return p11_error_text(error, P11_INVALID,
                              "pin-source must be file:/absolute/path or credential:NAME");
    if (name && (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
        return p11_error_text(error, P11_INVALID,
                              "pin-source: the name of a credential is that of a file, without /");
    return 0;
}

static int find_file(const char *source, char path[PATH_MAX], struct p11_error *error)
{
    const char *name = credential_name(source);
    const char *folder = name ? secure_getenv("CREDENTIALS_DIRECTORY") : NULL;
    if (name && (!folder || folder[0] != '/'))
        return p11_error_text(error, P11_INVALID,
                              "%s: the service manager gave no credentials "
                              "(CREDENTIALS_DIRECTORY is not set)",
                              source);
    int length = name ? snprintf(path, PATH_MAX, "%s/%s", folder, name)
                      : snprintf(path, PATH_MAX, "%s", file_path(source));
    return length < PATH_MAX ? 0 : p11_error_text(error, P11_INVALID, "pin-source is too long");
}

int pin_fetch(const char *source, struct secret *ret_pin, struct p11_error *error)
{
    char path[PATH_MAX];
    int r = pin_check_source(source, error);
    if (r == 0)
        r = find_file(source, path, error);
    if (r < 0)
        return r;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return p11_error_text(error, P11_INVALID, "%s: %s", path, strerror(errno));
    r = check_file(fd, path, error);
    if (r == 0)
        r = check_folder(path, error);
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
