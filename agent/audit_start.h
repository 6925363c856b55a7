/* Takes up the audit log where it ended, and compares it with the state that was kept apart. */
#ifndef HINTSIGN_AGENT_AUDIT_START_H
#define HINTSIGN_AGENT_AUDIT_START_H

#include "agent/audit_file.h"
#include "agent/audit_state.h"
#include "agent/conf.h"

#include <openssl/evp.h>

/* What was found. */
struct audit_start {
    struct audit_file file; /* unsure of what is between `synced` and `last` */
    struct audit_state state;
    struct audit_mark last;   /* the log's end; zeros: it is empty */
    struct audit_mark known;  /* its end according to the state */
    struct audit_mark synced; /* the last line that is on disk for certain */
    off_t torn;               /* bytes of an unfinished line behind the log's end */
    bool behind;              /* the log does not hold the line that the state knows */
};

/* Opens and locks both. Returns 0, or -1 with the reason in `error`; nothing is open then. */
int audit_start_open(const char *path, const char *state_dir, const EVP_MD *sha256,
                     struct audit_start *ret_start, char error[static CONF_ERROR_MAX]);

#endif
