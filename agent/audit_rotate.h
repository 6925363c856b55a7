/* A new file for the audit log while it is written: at every moment of a crash, what is found can
 * be gone on with.
 *
 * The first line of the new file is written under another name (PATH.new), then the old file is
 * renamed aside, then the new one gets the path. */
#ifndef HINTSIGN_AGENT_AUDIT_ROTATE_H
#define HINTSIGN_AGENT_AUDIT_ROTATE_H

#include "agent/audit_file.h"

/* A rotation on its way. Free with audit_rotate_end. */
struct audit_rotation {
    const char *path; /* borrowed */
    char *fresh;      /* the new file, before it gets the path */
    char *aside;      /* what the old one becomes; NULL: somebody has moved it already */
    char *previous;   /* its name then, without the folder */
    int fd;           /* of the new file; -1: none, or handed over */
};

/* Makes the new file, empty and locked, and finds a name for the old one:
 * PATH.YYYYMMDDTHHMMSSZ, or another where that is taken. Returns 0 or a negative errno; -EEXIST:
 * something else has the path, or PATH.new is there, -ENOENT: the log was removed. */
int audit_rotate_begin(const struct audit_file *file, const char *path,
                       struct audit_rotation *ret_rotation);

/* Writes the new file's first line, changes the names, and puts the new file in the old one's
 * place in `file`. Returns 0 or a negative errno: then the old file is what it was. */
int audit_rotate_finish(struct audit_file *file, struct audit_rotation *rotation, const char *line,
                        size_t length);

/* Frees, and removes a new file that was not taken. */
void audit_rotate_end(struct audit_rotation *rotation);

/* Ends what a crash has interrupted: before the log is opened. Returns 0 or a negative errno;
 * -EBUSY: another process rotates. */
int audit_rotate_recover(const char *path);

#endif
