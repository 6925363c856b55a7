/* Names, reads and writes the files with providers' encryption keys. */
#include "config.h"
#include "agent/provider_keys_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define UNRESERVED   ALPHANUMERIC "-._~"
#define SCHEME       "https://"
#define SUFFIX       ".json"
#define INTEGER_MAX  (INT64_C(1) << 53)

/* RFC 3986's characters but '?' and '#'. */
static bool is_issuer(const char *text)
{
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return false;
    const char *host = text + strlen(SCHEME);
    size_t host_len = strcspn(host, "/");
    return host_len > 0 && !memchr(host, '@', host_len) &&
           host[strspn(host, UNRESERVED ":/[]@!$&'()*+,;=%")] == '\0';
}

int provider_keys_file_name(const char *issuer, char ret_name[static PROVIDER_KEYS_NAME_SIZE])
{
    char name[PROVIDER_KEYS_NAME_SIZE];
    size_t used = 0;
    if (!is_issuer(issuer))
        return -1;
    for (const char *c = issuer; *c; c++) {
        if (used + 3 + sizeof SUFFIX > sizeof name)
            return -1;
        if (strchr(UNRESERVED, *c))
            name[used++] = *c;
        else
            used += (size_t)snprintf(name + used, 4, "%%%02X", (unsigned char)*c);
    }
    memcpy(name + used, SUFFIX, sizeof SUFFIX);
    memcpy(ret_name, name, used + sizeof SUFFIX);
    return 0;
}

/* What the members are taken into. */
struct loading {
    struct provider_keys_file *file;
    const char *issuer;
};

static int take_issuer(struct json_file *file, const struct json_at *at, void *target)
{
    const struct loading *loading = target;
    const char *issuer = json_string_value(at->value);
    if (!issuer || strcmp(issuer, loading->issuer) != 0)
        return json_file_error(file, at, "is not the issuer that the file's name tells");
    return 0;
}

static int take_fetched_at(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 0, INTEGER_MAX, &value);
    loading->file->fetched_at = value;
    return r;
}

static int take_key(struct json_file *file, const struct json_at *at, void *target)
{
    (void)target;
    return json_is_object(at->value) ? 0 : json_file_error(file, at, "must be an object");
}

static int take_keys(struct json_file *file, const struct json_at *at, void *target)
{
    struct loading *loading = target;
    loading->file->keys = at->value;
    return json_take_array(file, at, PROVIDER_KEYS_MAX, take_key, NULL);
}

static const struct json_member members[] = {
    {"issuer", true, take_issuer},
    {"fetched_at", false, take_fetched_at},
    {"keys", true, take_keys},
    {NULL, false, NULL},
};

static int bad(struct provider_keys_file *file, const char *path, const char *what)
{
    snprintf(file->json.error, sizeof file->json.error, "%s: %s", path, what);
    return PROVIDER_KEYS_FILE_BAD;
}

static int load(struct provider_keys_file *file, const char *issuer, uid_t folder_owner)
{
    struct loading loading = {.file = file, .issuer = issuer};
    int r = json_file_open_in(&file->json, file->path, folder_owner);
    if (r == 0) {
        struct json_at root = {.value = file->json.root};
        r = json_take_object(&file->json, &root, members, &loading);
    }
    return r == 0 ? 0 : PROVIDER_KEYS_FILE_BAD;
}

int provider_keys_file_read(struct provider_keys_file *file, const char *dir, const char *issuer)
{
    *file = (struct provider_keys_file){.fetched_at = PROVIDER_KEYS_PINNED};
    char name[PROVIDER_KEYS_NAME_SIZE];
    struct stat folder, st;
    if (provider_keys_file_name(issuer, name) < 0)
        return bad(file, issuer, "is no issuer");
    if (asprintf(&file->path, "%s/%s", dir, name) < 0) {
        file->path = NULL;
        return bad(file, dir, "out of memory");
    }
    if (stat(dir, &folder) < 0)
        return bad(file, dir, strerror(errno));
    if (lstat(file->path, &st) < 0 && errno == ENOENT) {
        bad(file, file->path, strerror(ENOENT));
        return PROVIDER_KEYS_FILE_MISSING;
    }
    return load(file, issuer, folder.st_uid);
}

void provider_keys_file_close(struct provider_keys_file *file)
{
    json_file_close(&file->json);
    free(file->path);
    file->path = NULL;
    file->keys = NULL;
}

static char *write_text(const char *issuer, int64_t fetched_at, json_t *keys)
{
    json_t *set = json_pack("{s:s, s:I, s:O}", "issuer", issuer, "fetched_at",
                            (json_int_t)fetched_at, "keys", keys);
    char *text = set ? json_dumps(set, JSON_INDENT(2)) : NULL;
    json_decref(set);
    return text;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno != EINTR)
            return -1;
        text += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* What the disk has under `temporary` is complete before it gets its name, and the name is on the
 * disk before we say so. Returns -1 with errno. */
static int put_in_place(int fd, int dir_fd, const char *text, const char *temporary,
                        const char *name)
{
    if (write_all(fd, text, strlen(text)) < 0 || write_all(fd, "\n", 1) < 0 ||
        fchmod(fd, 0644) < 0 || fsync(fd) < 0)
        return -1;
    if (renameat(AT_FDCWD, temporary, dir_fd, name) < 0)
        return -1;
    return fsync(dir_fd);
}

static int replace(const char *dir, const char *name, const char *text)
{
    char *temporary = NULL;
    int r = -1, fd = -1, error = 0;
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -1;
    if (asprintf(&temporary, "%s/.new-XXXXXX", dir) < 0)
        temporary = NULL;
    else
        fd = mkostemp(temporary, O_CLOEXEC);
    if (fd >= 0)
        r = put_in_place(fd, dir_fd, text, temporary, name);
    error = errno;
    if (fd >= 0) {
        close(fd);
        if (r < 0)
            unlink(temporary);
    }
    free(temporary);
    close(dir_fd);
    errno = error;
    return r;
}

int provider_keys_file_write(const char *dir, const char *issuer, int64_t fetched_at, json_t *keys,
                             char error[static JSON_FILE_ERROR_MAX])
{
    char name[PROVIDER_KEYS_NAME_SIZE];
    if (provider_keys_file_name(issuer, name) < 0) {
        snprintf(error, JSON_FILE_ERROR_MAX, "%s: is no issuer", issuer);
        return -1;
    }
    char *text = write_text(issuer, fetched_at, keys);
    errno = ENOMEM;
    int r = text ? replace(dir, name, text) : -1;
    if (r < 0)
        snprintf(error, JSON_FILE_ERROR_MAX, "%s/%s: %s", dir, name, strerror(errno));
    free(text);
    return r;
}
