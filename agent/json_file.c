/* Reads JSON files that people write, and says by file, line and member what is wrong. */
#include "config.h"
#include "agent/json_file.h"
#include "agent/json_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct json_file *file, const char *what)
{
    snprintf(file->error, sizeof file->error, "%s: %s", file->path, what);
    return -1;
}

/* Whoever can write the configuration decides who gets tokens. */
static int check_owner(struct json_file *file, int fd, uid_t folder_owner, size_t *ret_size)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail(file, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(file, "not a regular file");
    if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != folder_owner)
        return fail(file, folder_owner == geteuid()
                              ? "belongs neither to root nor to the agent's user"
                              : "belongs neither to root, its folder's owner nor the agent's user");
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return fail(file, "others can write it (chmod go-w)");
    if ((size_t)st.st_size > JSON_FILE_MAX)
        return fail(file, "longer than 1 MiB");
    *ret_size = (size_t)st.st_size;
    return 0;
}

/* Whoever can write the folder can put another file in the place of this one; in a sticky one he
 * can do so with his own alone. */
static int check_folder(struct json_file *file)
{
    struct stat st;
    const char *slash = strrchr(file->path, '/');
    char *folder = slash ? strndup(file->path, (size_t)(slash - file->path) + 1) : strdup(".");
    int r = folder ? stat(folder, &st) : -1;
    free(folder);
    if (r < 0)
        return fail(file, strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return fail(file, "its folder belongs neither to root nor to the agent's user");
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
        return fail(file, "others can write its folder (chmod go-w)");
    return 0;
}

static int read_text(struct json_file *file, int fd, size_t size)
{
    file->text = malloc(size + 1);
    if (!file->text)
        return fail(file, "out of memory");
    ssize_t n = 1;
    while (file->length < size && n != 0) {
        n = read(fd, file->text + file->length, size - file->length);
        if (n < 0 && errno != EINTR)
            return fail(file, strerror(errno));
        file->length += n > 0 ? (size_t)n : 0;
    }
    file->text[file->length] = '\0';
    return 0;
}

static int parse(struct json_file *file)
{
    json_error_t error;
    file->root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &error);
    if (file->root)
        return 0;
    snprintf(file->error, sizeof file->error, "%s:%d: %s", file->path, error.line, error.text);
    return -1;
}

int json_file_open(struct json_file *file, const char *path)
{
    int r = json_file_open_in(file, path, geteuid());
    return r == 0 ? check_folder(file) : r;
}

int json_file_open_in(struct json_file *file, const char *path, uid_t folder_owner)
{
    *file = (struct json_file){.path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(file, strerror(errno));
    size_t size = 0;
    int r = check_owner(file, fd, folder_owner, &size);
    if (r == 0)
        r = read_text(file, fd, size);
    close(fd);
    return r == 0 ? parse(file) : r;
}

void json_file_close(struct json_file *file)
{
    json_decref(file->root);
    free(file->text);
    file->root = NULL;
    file->text = NULL;
}

/* Writes "listeners[0].mode". */
static size_t write_place(const struct json_at *at, char *buffer, size_t size)
{
    if (!at->parent)
        return 0;
    size_t used = write_place(at->parent, buffer, size);
    size_t left = used < size ? size - used : 0;
    int n = at->name ? snprintf(buffer + size - left, left, "%s%s", used ? "." : "", at->name)
                     : snprintf(buffer + size - left, left, "[%zu]", at->index);
    return used + (size_t)n;
}

int json_file_error(struct json_file *file, const struct json_at *at, const char *format, ...)
{
    char place[128] = "", what[256];
    write_place(at, place, sizeof place);
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(file->error, sizeof file->error, "%s:%zu: %s%s%s", file->path,
             json_line(file->text, at), place, place[0] ? ": " : "", what);
    return -1;
}

static int take_description(struct json_file *file, const struct json_at *at)
{
    return json_is_string(at->value) ? 0 : json_file_error(file, at, "must be a string");
}

static int take_unknown(struct json_file *file, const struct json_at *at)
{
    if (strcmp(at->name, "description") == 0)
        return take_description(file, at);
    return json_file_error(file, at, "there is no such member");
}

static int take_member(struct json_file *file, const struct json_at *at,
                       const struct json_member *members, bool lenient, void *target)
{
    for (const struct json_member *member = members; member->name; member++)
        if (strcmp(member->name, at->name) == 0)
            return member->take(file, at, target);
    return lenient ? 0 : take_unknown(file, at);
}

static int take_object(struct json_file *file, const struct json_at *at,
                       const struct json_member *members, bool lenient, void *target)
{
    if (!json_is_object(at->value))
        return json_file_error(file, at, "must be an object");
    const char *name;
    json_t *value;
    json_object_foreach(at->value, name, value)
    {
        struct json_at member = {.parent = at, .name = name, .value = value};
        if (take_member(file, &member, members, lenient, target) < 0)
            return -1;
    }
    for (const struct json_member *member = members; member->name; member++)
        if (member->required && !json_object_get(at->value, member->name))
            return json_file_error(file, at, "\"%s\" is missing", member->name);
    return 0;
}

int json_take_object(struct json_file *file, const struct json_at *at,
                     const struct json_member *members, void *target)
{
    return take_object(file, at, members, false, target);
}

int json_take_members(struct json_file *file, const struct json_at *at,
                      const struct json_member *members, void *target)
{
    return take_object(file, at, members, true, target);
}

int json_take_array(struct json_file *file, const struct json_at *at, size_t max,
                    int (*take)(struct json_file *file, const struct json_at *at, void *target),
                    void *target)
{
    if (!json_is_array(at->value))
        return json_file_error(file, at, "must be an array");
    size_t size = json_array_size(at->value);
    if (size == 0 || size > max)
        return json_file_error(file, at, "must have 1 to %zu elements", max);
    for (size_t i = 0; i < size; i++) {
        struct json_at element = {.parent = at, .index = i, .value = json_array_get(at->value, i)};
        if (take(file, &element, target) < 0)
            return -1;
    }
    return 0;
}

int json_take_string(struct json_file *file, const struct json_at *at, size_t max,
                     char **ret_string)
{
    const char *value = json_string_value(at->value);
    if (!value)
        return json_file_error(file, at, "must be a string");
    size_t length = json_string_length(at->value);
    if (length == 0 || length > max)
        return json_file_error(file, at, "must have 1 to %zu bytes", max);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return json_file_error(file, at, "has a control character");
    char *copy = strdup(value);
    if (!copy)
        return json_file_error(file, at, "out of memory");
    free(*ret_string);
    *ret_string = copy;
    return 0;
}

int json_take_integer(struct json_file *file, const struct json_at *at, json_int_t min,
                      json_int_t max, json_int_t *ret_value)
{
    json_int_t value = json_integer_value(at->value);
    if (!json_is_integer(at->value) || value < min || value > max)
        return json_file_error(
            file, at, "must be an integer from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT,
            min, max);
    *ret_value = value;
    return 0;
}

int json_take_choice(struct json_file *file, const struct json_at *at,
                     const char *(*name_at)(size_t index), size_t *ret_index)
{
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; name_at(i); i++) {
        if (json_is_string(at->value) && strcmp(name_at(i), json_string_value(at->value)) == 0) {
            *ret_index = i;
            return 0;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                     name_at(i));
    }
    return json_file_error(file, at, "must be one of %s", list);
}
