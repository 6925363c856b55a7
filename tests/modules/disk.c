/* Preloaded into the agent, makes the disk below DISK_FOLDER one that is slow, fails or is the last
 * thing that the process sees. What it does stands in the file DISK_SCRIPT, which may change:
 *
 *     fail ERRNO    whatever changes a file fails
 *     unsynced      fdatasync fails with EIO
 *     lose          ... and what was appended since it did not is zeros
 *     slow MS       fdatasync takes that long
 *     kill N        the process is killed before the Nth such call from now
 *
 * Each fdatasync and fsync adds a byte to DISK_SCRIPT.syncs. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct script {
    char verb[16];
    int number;
};

static void note_sync(const char *path)
{
    char name[PATH_MAX + 8];
    snprintf(name, sizeof name, "%s.syncs", path);
    int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!syscall(SYS_write, fd, "x", 1);
        close(fd);
    }
}

static struct script read_script(const char *path)
{
    struct script script = {"", 0};
    char text[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!read(fd, text, sizeof text - 1);
        close(fd);
    }
    sscanf(text, "%15s %d", script.verb, &script.number);
    return script;
}

static bool is_ours(int fd)
{
    char link[64], path[PATH_MAX];
    const char *folder = getenv("DISK_FOLDER");
    struct stat st;
    if (!folder || fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool appends(int fd)
{
    return fcntl(fd, F_GETFL) & O_APPEND;
}

/* From `from` to its end. */
static void wipe(int log, off_t from)
{
    static const char zeros[4096];
    char link[64];
    struct stat st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", log);
    int fd = open(link, O_WRONLY | O_CLOEXEC);
    while (fd >= 0 && fstat(log, &st) == 0 && from < st.st_size) {
        size_t left = (size_t)(st.st_size - from);
        (void)!syscall(SYS_pwrite64, fd, zeros, left < sizeof zeros ? left : sizeof zeros, from);
        from += (off_t)sizeof zeros;
    }
    if (fd >= 0)
        close(fd);
}

/* Returns 0, or -1 with errno: the call is not made. */
static int meet(bool sync)
{
    static atomic_int calls;
    const char *path = getenv("DISK_SCRIPT");
    if (!path)
        return 0;
    if (sync)
        note_sync(path);
    struct script script = read_script(path);
    if (strcmp(script.verb, "kill") != 0)
        atomic_store(&calls, 0);
    else if (atomic_fetch_add(&calls, 1) + 1 == script.number)
        raise(SIGKILL);
    if (sync && strcmp(script.verb, "slow") == 0)
        nanosleep(&(struct timespec){.tv_nsec = script.number * 1000000L}, NULL);
    errno = script.number;
    if (strcmp(script.verb, "fail") == 0)
        return -1;
    errno = EIO;
    bool fails = strcmp(script.verb, "unsynced") == 0 || strcmp(script.verb, "lose") == 0;
    return sync && fails ? -1 : 0;
}

ssize_t write(int fd, const void *data, size_t length)
{
    return is_ours(fd) && meet(false) < 0 ? -1 : syscall(SYS_write, fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    return is_ours(fd) && meet(false) < 0 ? -1 : syscall(SYS_pwrite64, fd, data, length, offset);
}

int ftruncate(int fd, off_t length)
{
    return is_ours(fd) && meet(false) < 0 ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int fdatasync(int fd)
{
    static off_t on_disk;
    struct stat st;
    if (!is_ours(fd) || meet(true) == 0) {
        if (appends(fd) && fstat(fd, &st) == 0)
            on_disk = st.st_size;
        return (int)syscall(SYS_fdatasync, fd);
    }
    if (appends(fd) && strcmp(read_script(getenv("DISK_SCRIPT")).verb, "lose") == 0)
        wipe(fd, on_disk);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    return is_ours(fd) && meet(true) < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return meet(false) < 0 ? -1
                           : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
