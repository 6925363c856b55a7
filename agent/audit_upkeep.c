/* What the keeper does with the audit log: brings it on disk, tries a failed one, changes files. */
#include "config.h"
#include "agent/audit_internal.h"
#include "agent/audit_rewrite.h"
#include "agent/log.h"

#include <errno.h>
#include <string.h>

/* Brings on disk what was only written: with CONF_SYNC_INTERVAL within a second. Returns 0 or a
 * negative errno, of the log or of the state. With the lock held, which is given up meanwhile. */
static int sync_written(struct audit *audit)
{
    while (audit->file.unsure && audit->leading) /* what he has written may be lost, too */
        pthread_cond_wait(&audit->changed, &audit->lock);
    struct audit_mark mark = audit->durable;
    audit->dirty = false;
    pthread_mutex_unlock(&audit->lock);
    int r = audit_rewrite_sync(&audit->file, audit->sha256, &audit->synced, &mark);
    int kept = r == 0 ? audit_remember(audit, &mark) : r;
    pthread_mutex_lock(&audit->lock);
    audit->dirty |= r < 0;
    audit_report(audit, &audit->sync_error, r);
    if (r == 0)
        audit_advance(audit, &mark);
    return kept;
}

/* With the lock held, which is given up meanwhile. */
static void probe(struct audit *audit)
{
    audit->leading = true;
    pthread_mutex_unlock(&audit->lock);
    int r = audit_file_probe(&audit->file);
    pthread_mutex_lock(&audit->lock);
    audit->leading = false;
    audit_report(audit, &audit->write_error, r);
    pthread_cond_broadcast(&audit->changed);
}

/* Brings the state on disk. Returns 0 or a negative errno, which was logged. With the lock held,
 * which is given up meanwhile. */
static int sync_state(struct audit *audit)
{
    while (audit->state_unsynced && audit->leading) /* he writes it, too */
        pthread_cond_wait(&audit->changed, &audit->lock);
    int r = audit->state_unsynced ? audit_remember(audit, &audit->synced) : 0;
    pthread_mutex_unlock(&audit->lock);
    if (r == 0) {
        r = audit_state_sync(&audit->state);
        audit_report_state(&audit->state_unsynced, r);
    }
    pthread_mutex_lock(&audit->lock);
    return r;
}

void audit_tick(struct audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    if (audit->dirty || (audit->sync == CONF_SYNC_INTERVAL && audit->file.unsure))
        sync_written(audit);
    if (audit->write_error < 0 && !audit->leading && !audit->has_gap)
        probe(audit);
    sync_state(audit);
    pthread_mutex_unlock(&audit->lock);
}

/* Nothing is appended meanwhile, so the new file's first line follows the old one's last. The state
 * that a crash leaves may be a second old; as it must not know a line in the middle of a file that
 * is put aside, that file's end is brought on disk before. */
static int change_files(struct audit *audit, struct audit_rotation *rotation)
{
    struct text members = {0};
    int64_t id;
    audit_record_begin(&members, "rotate");
    audit_record_string(&members, "previous", rotation->previous);
    pthread_mutex_lock(&audit->lock);
    audit->rotating = true;
    while (audit->leading || audit->pending.length > 0) {
        if (audit->leading)
            pthread_cond_wait(&audit->changed, &audit->lock);
        else
            audit_lead(audit, NULL);
    }
    int r = sync_written(audit);
    if (r == 0)
        r = sync_state(audit);
    audit->last.end = 0;
    if (r == 0)
        r = audit_add_line(audit, &members, true, &id);
    if (r == 0)
        r = audit_lead(audit, rotation);
    else
        audit->last = audit->durable;
    audit->rotating = false;
    pthread_cond_broadcast(&audit->changed);
    pthread_mutex_unlock(&audit->lock);
    text_free(&members);
    return r;
}

int audit_rotate(struct audit *audit)
{
    struct audit_rotation rotation;
    int r = audit->has_gap ? -ESTALE : audit_rotate_begin(&audit->file, audit->path, &rotation);
    if (r == 0) {
        r = change_files(audit, &rotation);
        if (r == 0) {
            log_info("audit: the old log is %s", rotation.previous);
            audit_wake(audit);
        }
        audit_rotate_end(&rotation);
    }
    if (r < 0)
        log_error("audit: cannot begin a new log: %s; the old one is written on", strerror(-r));
    return r;
}
