/* hintsign-audit verify: whether audit logs are as they were written. */
#ifndef HINTSIGN_AUDIT_VERIFY_H
#define HINTSIGN_AUDIT_VERIFY_H

/* Runs the command. Returns a command_status. */
int verify_run(int argc, char **argv);

#endif
