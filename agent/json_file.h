/* JSON files that people write: read strictly, and every error named by file, line and member. */
#ifndef HINTSIGN_AGENT_JSON_FILE_H
#define HINTSIGN_AGENT_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define JSON_FILE_MAX       ((size_t)1024 * 1024) /* bytes */
#define JSON_FILE_ERROR_MAX 512

struct json_file {
    const char *path; /* borrowed */
    char *text;
    size_t length;
    json_t *root;
    char error[JSON_FILE_ERROR_MAX]; /* "FILE:LINE: MEMBER: what is wrong" */
};

/* Where a value stands: its parent, and its name or, in an array, its index. The root has no
 * parent. Lives on the reader's stack. */
struct json_at {
    const struct json_at *parent;
    const char *name; /* NULL in an array */
    size_t index;
    json_t *value; /* borrowed from the file */
};

/* Reads and parses. The file must be a regular one; it and the folder that it is in belong to root
 * or to us, and others cannot write either, unless the folder is sticky. Returns 0, or -1 with
 * `error` filled in. Free with json_file_close either way. */
int json_file_open(struct json_file *file, const char *path);

/* Of a file that may belong to its folder's owner too; the folder is not looked at. */
int json_file_open_in(struct json_file *file, const char *path, uid_t folder_owner);

void json_file_close(struct json_file *file);

/* Fills in file->error for the value at `at`. Returns -1. */
int json_file_error(struct json_file *file, const struct json_at *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One member that an object may have. `take` stores the value into `target` and returns 0, or
 * json_file_error(). */
struct json_member {
    const char *name;
    bool required;
    int (*take)(struct json_file *file, const struct json_at *at, void *target);
};

/* Takes an object member by member; the table ends with a row without a name. Unknown members and
 * missing ones are errors; "description", a string, may stand in every object. */
int json_take_object(struct json_file *file, const struct json_at *at,
                     const struct json_member *members, void *target);

/* As json_take_object, but leaves unknown members to those whom they concern. */
int json_take_members(struct json_file *file, const struct json_at *at,
                      const struct json_member *members, void *target);

/* Takes the elements of an array of 1 to `max` one by one. */
int json_take_array(struct json_file *file, const struct json_at *at, size_t max,
                    int (*take)(struct json_file *file, const struct json_at *at, void *target),
                    void *target);

/* A string of 1 to `max` bytes without control characters; copied. The old value is freed. */
int json_take_string(struct json_file *file, const struct json_at *at, size_t max,
                     char **ret_string);

int json_take_integer(struct json_file *file, const struct json_at *at, json_int_t min,
                      json_int_t max, json_int_t *ret_value);

/* One of the names that `name_at` gives for 0, 1, ... until NULL; its index. */
int json_take_choice(struct json_file *file, const struct json_at *at,
                     const char *(*name_at)(size_t index), size_t *ret_index);

#endif
