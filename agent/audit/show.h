/* hintsign-audit show: the records of audit logs, for people or machines. */
#ifndef HINTSIGN_AUDIT_SHOW_H
#define HINTSIGN_AUDIT_SHOW_H

/* Runs the command. Returns a command_status. */
int show_run(int argc, char **argv);

#endif
