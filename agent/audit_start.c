/* Opens the audit log and its state, and decides whether the log is behind, and what of it may not
 * be on disk. */
#include "config.h"
#include "agent/audit_start.h"
#include "agent/audit_rotate.h"
#include "agent/log.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_RECORD "the last line is no audit record"

/* The last line: the chain goes on from it. */
static int take_up_chain(struct audit_start *start, const EVP_MD *sha256, const char *line,
                         size_t length, unsigned char ret_prev[static AUDIT_HASH_BYTES])
{
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const char *prev = json_string_value(json_object_get(record, "prev"));
    start->last.sequence = json_integer_value(json_object_get(record, "seq"));
    if (!prev || audit_state_read_hash(prev, ret_prev) < 0)
        memset(ret_prev, 0, AUDIT_HASH_BYTES);
    json_decref(record);
    start->last.end = start->file.size;
    return start->last.sequence >= 1 && audit_record_sha256(sha256, line, length, start->last.hash)
               ? 0
               : -1;
}

/* Whether the file holds the line that was the last one when the state was written. */
static bool holds_known(const struct audit_start *start, const EVP_MD *sha256)
{
    const struct audit_mark *known = &start->known;
    unsigned char hash[AUDIT_HASH_BYTES];
    char *line = NULL;
    size_t length = 0;
    if (known->sequence == 0) /* the state was made before the first line */
        return true;
    if (audit_file_line_at(&start->file, known->end, &line, &length) < 0)
        return false;
    bool same = audit_record_sha256(sha256, line, length, hash) &&
                memcmp(hash, known->hash, AUDIT_HASH_BYTES) == 0;
    free(line);
    return same;
}

/* The state is written when lines are on disk. What stands behind them was not, and whoever wrote
 * it may have been told that the disk failed: nobody is told twice. Where a rotation was
 * interrupted, the known line is in the file before; then there is one line, which follows it, and
 * was on disk before it became the log. */
static void compare(struct audit_start *start, const EVP_MD *sha256,
                    const unsigned char prev[static AUDIT_HASH_BYTES])
{
    const struct audit_mark *known = &start->known;
    start->synced = start->last;
    if (holds_known(start, sha256)) {
        start->synced = *known;
        start->file.unsure = known->end < start->last.end;
        return;
    }
    start->behind = start->last.sequence != known->sequence + 1 ||
                    memcmp(prev, known->hash, AUDIT_HASH_BYTES) != 0;
}

/* There is a state before there are lines that a disk could lose. What was there before it is
 * taken as it is found. */
static int begin_state(struct audit_start *start)
{
    if (start->last.sequence > 0)
        log_warning("audit: there is no state yet: nothing to compare the log with");
    start->known = start->last;
    int r = audit_state_write(&start->state, &start->known);
    return r == 0 ? audit_state_sync(&start->state) : r;
}

static int open_state(struct audit_start *start, const char *folder, char *error)
{
    int r = audit_state_open(folder, &start->state, &start->known);
    if (r == 0 && start->known.sequence == AUDIT_STATE_NONE) {
        r = begin_state(start);
        if (r < 0)
            audit_state_close(&start->state);
    }
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "state_dir: %s/" AUDIT_STATE_FILE ": %s", folder,
                 r == -EBUSY     ? "another agent uses it"
                 : r == -EBADMSG ? "was not written by hintsign-agent"
                                 : strerror(-r));
    return r;
}

static int open_log(struct audit_start *start, const char *path, const EVP_MD *sha256,
                    unsigned char ret_prev[static AUDIT_HASH_BYTES], char *error)
{
    char *line = NULL;
    size_t length = 0;
    int r = audit_rotate_recover(path);
    if (r == 0)
        r = audit_file_open(path, &start->file, &line, &length, &start->torn);
    if (r < 0) {
        snprintf(error, CONF_ERROR_MAX, "%s: %s", path,
                 r == -EBUSY     ? "another agent writes this audit log"
                 : r == -EBADMSG ? NO_RECORD
                                 : strerror(-r));
        return r;
    }
    if (line && take_up_chain(start, sha256, line, length, ret_prev) < 0) {
        snprintf(error, CONF_ERROR_MAX, "%s: " NO_RECORD, path);
        audit_file_close(&start->file);
        r = -1;
    }
    free(line);
    return r;
}

int audit_start_open(const char *path, const char *state_dir, const EVP_MD *sha256,
                     struct audit_start *ret_start, char error[static CONF_ERROR_MAX])
{
    struct audit_start start = {.torn = 0};
    unsigned char prev[AUDIT_HASH_BYTES] = {0};
    if (open_log(&start, path, sha256, prev, error) < 0)
        return -1;
    if (open_state(&start, state_dir, error) < 0) {
        audit_file_close(&start.file);
        return -1;
    }
    compare(&start, sha256, prev);
    *ret_start = start;
    return 0;
}
