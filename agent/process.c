/* Keeps other processes out of this one, and tells which of its protections are in force. */
#include "config.h"
#include "agent/process.h"
#include "agent/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define STATUS_FILE     "/proc/self/status"
#define STATUS_MAX      8192
#define SECCOMP_FILTERS 2

/* Where one is closed, the next file that is opened would take its place: the audit log could
 * become what a module prints to. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* The leak sanitizer looks into its own process the way a debugger does. */
static void hide_memory(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0);
}

/* Under a limit, locking what is there succeeds, and then no thread can start. MCL_ONFAULT: a page
 * is locked when it is used, so that unused stacks take no memory. */
static void lock_memory(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
        return;
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        log_warning("the memory cannot be locked: %s", strerror(errno));
}

/* Every connection takes a descriptor; the soft limit is there for select(2) alone. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void process_protect(void)
{
    fill_standard_descriptors();
    hide_memory();
    lock_memory();
    raise_descriptor_limit();
}

void process_warn(void)
{
    if (geteuid() == 0)
        log_warning("running as root: give the agent a user of its own");
}

/* The number behind "NAME:", or 0. */
static uint64_t fact(const char *text, const char *name, int base)
{
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            return strtoull(line + length + 1, NULL, base);
    }
    return 0;
}

void process_read_facts(const char *text, struct process_facts *ret_facts)
{
    *ret_facts = (struct process_facts){
        .capabilities = fact(text, "CapPrm", 16),
        .locked = fact(text, "VmLck", 10),
        .resident = fact(text, "VmRSS", 10),
        .seccomp = (unsigned)fact(text, "Seccomp", 10),
        .no_new_privileges = fact(text, "NoNewPrivs", 10) == 1,
    };
}

static int read_status(char text[static STATUS_MAX])
{
    int fd = open(STATUS_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, STATUS_MAX - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? 0 : -EIO;
}

static bool is_undumpable(const struct process_facts *facts)
{
    (void)facts;
    return prctl(PR_GET_DUMPABLE) == 0;
}

static bool has_no_core(const struct process_facts *facts)
{
    struct rlimit limit;
    (void)facts;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

/* The sum of all mappings that are locked is no less than what they have in memory. */
static bool is_locked(const struct process_facts *facts)
{
    return facts->resident > 0 && facts->locked >= facts->resident;
}

static bool has_no_new_privileges(const struct process_facts *facts)
{
    return facts->no_new_privileges;
}

static bool is_filtered(const struct process_facts *facts)
{
    return facts->seccomp == SECCOMP_FILTERS;
}

static bool has_no_capabilities(const struct process_facts *facts)
{
    return facts->resident > 0 && facts->capabilities == 0;
}

static bool is_not_root(const struct process_facts *facts)
{
    (void)facts;
    return getuid() != 0 && geteuid() != 0;
}

static const struct {
    const char *name;
    bool (*holds)(const struct process_facts *facts);
} protections[] = {
    {"undumpable", is_undumpable},
    {"no_core", has_no_core},
    {"memory_locked", is_locked},
    {"no_new_privileges", has_no_new_privileges},
    {"system_calls_filtered", is_filtered},
    {"no_capabilities", has_no_capabilities},
    {"not_root", is_not_root},
};

void process_write(struct text *out)
{
    char text[STATUS_MAX] = "";
    struct process_facts facts = {0};
    if (read_status(text) == 0)
        process_read_facts(text, &facts);
    for (size_t i = 0; i < sizeof protections / sizeof protections[0]; i++) {
        text_put(out, i ? ",\"" : "\"");
        text_put(out, protections[i].name);
        text_put(out, protections[i].holds(&facts) ? "\":true" : "\":false");
    }
}
