/* Keeps the last durable line of the audit log in the state folder: one line of fixed length. */
#include "config.h"
#include "agent/audit_state.h"
#include "agent/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Sequence and end with 20 digits each, the hash, and what is between them. */
#define STATE_LENGTH (20 + 1 + 20 + 1 + 2 * AUDIT_HASH_BYTES + 1)

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int audit_state_read_hash(const char *hex, unsigned char ret_hash[AUDIT_HASH_BYTES])
{
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++, hex += 2) {
        if (digit(hex[0]) < 0 || digit(hex[1]) < 0)
            return -EBADMSG;
        ret_hash[i] = (unsigned char)(digit(hex[0]) << 4 | digit(hex[1]));
    }
    return 0;
}

static void print(const struct audit_mark *mark, char line[static STATE_LENGTH + 1])
{
    int n = snprintf(line, STATE_LENGTH + 1, "%020" PRId64 " %020" PRId64 " ", mark->sequence,
                     (int64_t)mark->end);
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++)
        n += snprintf(line + n, 3, "%02x", mark->hash[i]);
    line[n] = '\n';
}

/* What was read must be what we would write. */
static int parse(const char *line, struct audit_mark *ret_mark)
{
    char again[STATE_LENGTH + 1];
    struct audit_mark mark = {.sequence = strtoll(line, NULL, 10),
                              .end = (off_t)strtoll(line + 21, NULL, 10)};
    int r = audit_state_read_hash(line + 42, mark.hash);
    if (r < 0)
        return r;
    print(&mark, again);
    if (memcmp(line, again, STATE_LENGTH) != 0 || mark.sequence < 0 || mark.end < 0)
        return -EBADMSG;
    *ret_mark = mark;
    return 0;
}

static int take_up(int fd, struct audit_mark *ret_mark)
{
    char line[STATE_LENGTH + 2] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    ssize_t n = pread(fd, line, STATE_LENGTH + 1, 0);
    if (n < 0)
        return -errno;
    if (n != 0)
        return n == STATE_LENGTH ? parse(line, ret_mark) : -EBADMSG;
    *ret_mark = (struct audit_mark){.sequence = AUDIT_STATE_NONE};
    return 0;
}

int audit_state_open(const char *folder, struct audit_state *ret_state, struct audit_mark *ret_mark)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" AUDIT_STATE_FILE, folder) < 0)
        return -ENOMEM;
    int fd = audit_file_create(path, 0, 0600);
    free(path);
    if (fd < 0)
        return fd;
    int r = take_up(fd, ret_mark);
    if (r < 0) {
        close(fd);
        return r;
    }
    ret_state->fd = fd;
    atomic_store(&ret_state->unsynced, false);
    return 0;
}

void audit_state_close(struct audit_state *state)
{
    close(state->fd);
    state->fd = -1;
}

int audit_state_write(struct audit_state *state, const struct audit_mark *mark)
{
    char line[STATE_LENGTH + 1];
    print(mark, line);
    ssize_t n = pwrite(state->fd, line, STATE_LENGTH, 0);
    if (n != STATE_LENGTH)
        return n < 0 ? -errno : -EIO;
    atomic_store(&state->unsynced, true);
    return 0;
}

int audit_state_sync(struct audit_state *state)
{
    if (!atomic_exchange(&state->unsynced, false))
        return 0;
    if (fdatasync(state->fd) == 0)
        return 0;
    int r = -errno;
    atomic_store(&state->unsynced, true);
    return r;
}
