/* Opens the audit log: takes it up where it ended, sees whether it is behind its state, and what of
 * it may not be on disk. */
#include "config.h"
#include "agent/audit_internal.h"
#include "agent/audit_rewrite.h"
#include "agent/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was found. */
struct opening {
    struct audit_mark known; /* the log's end according to the state */
    off_t torn;              /* bytes of an unfinished line behind its end */
    bool behind;             /* it does not hold the line that the state knows */
};

/* The last line: the chain goes on from it. */
static int take_up_chain(struct audit *audit, const char *line, size_t length)
{
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    audit->last.sequence = json_integer_value(json_object_get(record, "seq"));
    json_decref(record);
    audit->last.end = audit->file.size;
    return audit->last.sequence >= 1 &&
                   audit_record_sha256(audit->sha256, line, length, audit->last.hash)
               ? 0
               : -EBADMSG;
}

static int open_log(struct audit *audit, struct opening *opening, char *error)
{
    char *line = NULL;
    size_t length = 0;
    int r = audit_rotate_recover(audit->path);
    if (r == 0)
        r = audit_file_open(audit->path, &audit->file, &line, &length, &opening->torn);
    if (r == 0 && line)
        r = take_up_chain(audit, line, length);
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s: %s", audit->path,
                 r == -EBUSY     ? "another agent writes this audit log"
                 : r == -EBADMSG ? "the last line is no audit record"
                                 : strerror(-r));
    free(line);
    return r;
}

/* There is a state before there are lines that a disk could lose. What was there before it is
 * taken as it is found. */
static int begin_state(struct audit *audit)
{
    if (audit->last.sequence > 0)
        log_warning("audit: there is no state yet: nothing to compare the log with");
    int r = audit_state_write(&audit->state, &audit->last);
    return r == 0 ? audit_state_sync(&audit->state) : r;
}

static int open_state(struct audit *audit, const char *folder, struct audit_mark *ret_known,
                      char *error)
{
    int r = audit_state_open(folder, &audit->state, ret_known);
    if (r == 0 && ret_known->sequence == AUDIT_STATE_NONE) {
        *ret_known = audit->last;
        r = begin_state(audit);
    }
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "state_dir: %s/" AUDIT_STATE_FILE ": %s", folder,
                 r == -EBUSY     ? "another agent uses it"
                 : r == -EBADMSG ? "was not written by hintsign-agent"
                                 : strerror(-r));
    return r;
}

static bool begins_with_number_1(const struct audit *audit)
{
    static const char start[] = "{\"seq\":1,";
    char found[sizeof start - 1];
    return audit_file_read(&audit->file, found, sizeof found, 0) == (ssize_t)sizeof found &&
           memcmp(found, start, sizeof found) == 0;
}

/* Whether the file holds the line that was the last one when the state was written. */
static bool holds_known(const struct audit *audit, const struct audit_mark *known)
{
    unsigned char hash[AUDIT_HASH_BYTES];
    char *line = NULL;
    size_t length = 0;
    if (known->sequence == 0) /* the state was made before the first line */
        return audit->last.sequence == 0 || begins_with_number_1(audit);
    if (audit_file_line_at(&audit->file, known->end, &line, &length) < 0)
        return false;
    bool same = audit_record_sha256(audit->sha256, line, length, hash) &&
                memcmp(hash, known->hash, AUDIT_HASH_BYTES) == 0;
    free(line);
    return same;
}

/* Whether a line is the `rotate` that follows the mark, in a file of its own. */
static bool is_rotation(const char *line, size_t length, const struct audit_mark *known)
{
    unsigned char hash[AUDIT_HASH_BYTES];
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(record, "type"));
    const char *prev = json_string_value(json_object_get(record, "prev"));
    bool is = type && strcmp(type, "rotate") == 0 &&
              json_integer_value(json_object_get(record, "seq")) == known->sequence + 1 && prev &&
              audit_record_read_hash(prev, hash) && memcmp(hash, known->hash, sizeof hash) == 0;
    json_decref(record);
    return is;
}

/* Whether the known line is the last one of the file before: then *ret_first is the mark behind the
 * first line of this one. */
static bool begins_behind(const struct audit *audit, const struct audit_mark *known,
                          struct audit_mark *ret_first)
{
    struct audit_mark first = {.sequence = known->sequence + 1};
    char *line = malloc(AUDIT_LINE_MAX + 1);
    ssize_t n = line ? audit_file_read(&audit->file, line, AUDIT_LINE_MAX + 1, 0) : 0;
    const char *newline = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;
    size_t length = newline ? (size_t)(newline - line) : 0;
    bool begins = newline && is_rotation(line, length, known) &&
                  audit_record_sha256(audit->sha256, line, length, first.hash);
    free(line);
    first.end = (off_t)length + 1;
    if (begins)
        *ret_first = first;
    return begins;
}

/* The state is written when lines are on disk. What stands behind them was not, and whoever wrote
 * it may have been told that the disk failed: nobody is told twice. Where the state knows the end
 * of the file before, the first line of this one was on disk before it became the log. */
static void compare(struct audit *audit, struct opening *opening)
{
    audit->durable = audit->synced = audit->last;
    if (holds_known(audit, &opening->known))
        audit->synced = opening->known;
    else
        opening->behind = !begins_behind(audit, &opening->known, &audit->synced);
    audit->dirty = audit->file.unsure = audit->synced.end < audit->last.end;
}

static void record_torn(struct audit *audit, off_t torn)
{
    struct text members = {0};
    log_warning("audit: %s ended with %lld bytes of an unfinished line, which were removed",
                audit->path, (long long)torn);
    audit_record_begin(&members, "torn");
    audit_record_integer(&members, "bytes", torn);
    if (audit_write(audit, &members) < 0)
        log_error("audit: what was removed could not be recorded");
    text_free(&members);
}

static int record_gap(struct audit *audit, const struct audit_mark *known)
{
    struct text members = {0};
    audit_record_begin(&members, "gap");
    audit_record_integer(&members, "expected_seq", known->sequence);
    audit_record_hash(&members, "expected_sha256", known->hash);
    audit_record_integer(&members, "found_seq", audit->last.sequence);
    int r = audit_write(audit, &members);
    text_free(&members);
    return r;
}

/* A log that is behind its state has lost lines. Only an administrator can say that this may be. */
static int settle_gap(struct audit *audit, const struct audit_mark *known, bool accept, char *error)
{
    if (!accept) {
        audit->has_gap = true;
        log_error("audit: %s is behind: line %lld is missing or was changed; nothing is given out "
                  "before a start with --accept-log-gap",
                  audit->path, (long long)known->sequence);
        return 0;
    }
    log_warning("audit: going on without the lines up to %lld", (long long)known->sequence);
    int r = record_gap(audit, known);
    if (r < 0)
        snprintf(error, CONF_ERROR_MAX, "%s: the gap cannot be recorded", audit->path);
    audit_tick(audit);
    return r;
}

static int take_up(struct audit *audit, const struct audit_options *options, char *error)
{
    struct opening opening = {.torn = 0};
    int r = open_log(audit, &opening, error);
    if (r == 0)
        r = open_state(audit, options->state_dir, &opening.known, error);
    if (r < 0)
        return r;
    compare(audit, &opening);
    audit_tick(audit);
    if (opening.behind)
        r = settle_gap(audit, &opening.known, options->accept_gap, error);
    if (r == 0 && opening.torn > 0 && !audit->has_gap)
        record_torn(audit, opening.torn);
    return r;
}

int audit_open(const struct audit_options *options, struct audit **ret_audit,
               char error[static CONF_ERROR_MAX])
{
    struct audit *audit = calloc(1, sizeof *audit);
    snprintf(error, CONF_ERROR_MAX, "out of memory");
    if (!audit)
        return -1;
    audit->path = strdup(options->path);
    audit->sync = options->sync;
    audit->sha256 = options->sha256;
    audit->line_hash = EVP_MD_CTX_new();
    audit->file.fd = -1;
    audit->state.fd = -1;
    audit->awaited = INT64_MAX;
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->changed, NULL);
    pthread_cond_init(&audit->grown, NULL);
    if (!audit->path || !audit->line_hash || take_up(audit, options, error) < 0) {
        audit_close(audit);
        return -1;
    }
    *ret_audit = audit;
    return 0;
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    if (audit->file.fd >= 0) {
        int r = audit_rewrite_sync(&audit->file, audit->sha256, &audit->synced, &audit->durable);
        if (r < 0)
            log_error("audit: %s", strerror(-r));
        else if (audit->dirty ||
                 audit->state_unsynced) /* what a failed sync lost is written again */
            audit_remember(audit, &audit->durable);
        audit_file_close(&audit->file);
    }
    if (audit->state.fd >= 0) {
        audit_report_state(&audit->state_unsynced, audit_state_sync(&audit->state));
        audit_state_close(&audit->state);
    }
    EVP_MD_CTX_free(audit->line_hash);
    text_free(&audit->pending);
    text_free(&audit->writing);
    pthread_cond_destroy(&audit->grown);
    pthread_cond_destroy(&audit->changed);
    pthread_mutex_destroy(&audit->lock);
    free(audit->path);
    free(audit);
}
