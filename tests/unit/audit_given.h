/* An audit log that a test opens, writes to and closes again: "log" in the scratch folder, beside
 * its state. */
#ifndef HINTSIGN_TESTS_AUDIT_GIVEN_H
#define HINTSIGN_TESTS_AUDIT_GIVEN_H

#include "agent/audit.h"

extern struct audit *audit; /* NULL while it is closed */

/* Their paths last as long as those of scratch_path. */
struct audit_options audit_given_options(enum conf_sync sync);

void audit_given_open(enum conf_sync sync);
void audit_given_close(void);

/* Writes a record of what is no decision. Returns 0 or a refusal_code. */
int audit_given_write(void);

#endif
