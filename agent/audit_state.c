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

/* Sequence, end and hash, a blank between them, and a newline behind. */
#define NUMBER_LENGTH 20
#define END_AT        (NUMBER_LENGTH + 1)
#define HASH_AT       (END_AT + NUMBER_LENGTH + 1)
#define STATE_LENGTH  (HASH_AT + 2 * AUDIT_HASH_BYTES + 1)

static void print(const struct audit_mark *mark, char line[static STATE_LENGTH + 1])
{
    int n = snprintf(line, STATE_LENGTH + 1, "%0*" PRId64 " %0*" PRId64 " ", NUMBER_LENGTH,
                     mark->sequence, NUMBER_LENGTH, (int64_t)mark->end);
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++)
        n += snprintf(line + n, 3, "%02x", mark->hash[i]);
    line[n] = '\n';
}

/* What was read must be what we would write. */
static int parse(const char *line, struct audit_mark *ret_mark)
{
    char again[STATE_LENGTH + 1];
    struct audit_mark mark = {.sequence = strtoll(line, NULL, 10),
                              .end = (off_t)strtoll(line + END_AT, NULL, 10)};
    if (!audit_record_read_hash(line + HASH_AT, mark.hash))
        return -EBADMSG;
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
