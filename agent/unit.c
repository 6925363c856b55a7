/* Tells the systemd unit of a process from its cgroup. */
#include "config.h"
#include "agent/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUPS_MAX ((size_t)16 * 1024) /* bytes of a /proc/PID/cgroup; no longer one is read */

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t end_len = strlen(end);
    return length > end_len && memcmp(name + length - end_len, end, end_len) == 0;
}

bool unit_is_name(const char *name, size_t length)
{
    static const char *const types[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789:-_.\\@";
    if (length > UNIT_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!name[i] || !strchr(characters, name[i]))
            return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (ends_with(name, length, types[i]))
            return true;
    return false;
}

/* A component of a path in the tree of cgroups, or what is left of one. */
struct part {
    const char *start; /* NULL: none */
    size_t length;
};

static struct part next_part(const char **path, const char *end)
{
    const char *start = *path + 1;
    if (*path == end || **path != '/')
        return (struct part){NULL, 0};
    *path = start;
    while (*path < end && **path != '/')
        ++*path;
    return (struct part){start, (size_t)(*path - start)};
}

/* systemd puts "_" before names that would look like a file of the kernel's. */
static struct part without_escape(struct part part)
{
    return part.start && part.start[0] == '_' ? (struct part){part.start + 1, part.length - 1}
                                              : part;
}

static struct part unit_in_path(const char *path, const char *end)
{
    struct part part = next_part(&path, end);
    if (!part.start || part.length != strlen("system.slice") ||
        memcmp(part.start, "system.slice", part.length) != 0)
        return (struct part){NULL, 0};
    do
        part = next_part(&path, end);
    while (part.start && ends_with(part.start, part.length, ".slice"));
    part = without_escape(part);
    return part.start && unit_is_name(part.start, part.length) ? part : (struct part){NULL, 0};
}

/* The path in a line of the hierarchy that systemd uses, NULL in others: "0::PATH" of cgroup v2,
 * "N:name=systemd:PATH" of v1. */
static const char *systemd_path(const char *line)
{
    const char *controllers = strchr(line, ':');
    if (!controllers)
        return NULL;
    if (strncmp(line, "0::", 3) == 0)
        return line + 3;
    if (strncmp(controllers, ":name=systemd:", 14) == 0)
        return controllers + 14;
    return NULL;
}

static bool same(struct part a, struct part b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.start, b.start, a.length) == 0);
}

/* Where both hierarchies are there, one of them may have every process in "/", which says nothing.
 * Otherwise they must agree. */
bool unit_parse(const char *cgroups, char ret_unit[static UNIT_NAME_MAX + 1])
{
    struct part unit = {NULL, 0};
    bool found = false;
    for (const char *line = cgroups, *end; (end = strchr(line, '\n')); line = end + 1) {
        const char *path = systemd_path(line);
        if (!path || path >= end || (path + 1 == end && *path == '/'))
            continue;
        struct part other = unit_in_path(path, end);
        if (found && !same(unit, other))
            return false;
        unit = other;
        found = true;
    }
    if (!unit.start)
        return false;
    memcpy(ret_unit, unit.start, unit.length);
    ret_unit[unit.length] = '\0';
    return true;
}

static bool read_cgroups(pid_t pid, char text[static CGROUPS_MAX])
{
    char path[64];
    size_t length = 0;
    ssize_t n = -1;
    snprintf(path, sizeof path, "/proc/%ld/cgroup", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (length < CGROUPS_MAX - 1 && (n = read(fd, text + length, CGROUPS_MAX - 1 - length)) > 0)
        length += (size_t)n;
    close(fd);
    text[length] = '\0';
    return n == 0 && length > 0;
}

bool unit_read(pid_t pid, char ret_unit[static UNIT_NAME_MAX + 1])
{
    char text[CGROUPS_MAX];
    return read_cgroups(pid, text) && unit_parse(text, ret_unit);
}

/* Numbers in another PID namespace's /proc are not those that the socket tells. */
static bool proc_is_ours(void)
{
    char target[32];
    ssize_t length = readlink("/proc/self", target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return strtol(target, NULL, 10) == getpid();
}

const char *unit_problem(void)
{
    char text[CGROUPS_MAX];
    if (!proc_is_ours())
        return "/proc is not mounted, or not that of the agent's PID namespace";
    if (!read_cgroups(1, text))
        return "/proc/1/cgroup cannot be read: /proc hides the processes of others";
    if (strstr(text, ":/.."))
        return "the agent has a cgroup namespace of its own";
    return NULL;
}
