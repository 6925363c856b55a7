/* Lines of the audit log that a disk may have lost.
 *
 * Linux reports that it could not write to the disk once, by the next fdatasync, and takes what it
 * could not write for written: the fdatasync after that succeeds, and proves nothing about those
 * lines. What is still in memory can be written again. */
#ifndef HINTSIGN_AGENT_AUDIT_REWRITE_H
#define HINTSIGN_AGENT_AUDIT_REWRITE_H

#include "agent/audit_file.h"
#include "agent/audit_state.h"

#include <openssl/evp.h>

/* Brings the lines between two marks of the file on disk. Where the file is unsure of them, they
 * are read back and, if they are still one chain, written again first. Others may append meanwhile,
 * but not sync. Returns 0 or a negative errno; -EBADMSG: the lines are lost, which is logged. */
int audit_rewrite_sync(struct audit_file *file, const EVP_MD *sha256, const struct audit_mark *from,
                       const struct audit_mark *to);

#endif
