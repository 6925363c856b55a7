/* The agent's own process: what keeps others out of it. */
#ifndef HINTSIGN_AGENT_PROCESS_H
#define HINTSIGN_AGENT_PROCESS_H

#include "client/text.h"

/* What /proc/self/status tells (proc_pid_status(5)); sizes in KiB. */
struct process_facts {
    uint64_t capabilities; /* permitted */
    uint64_t locked;
    uint64_t resident;
    unsigned seccomp; /* 2: a filter */
    bool no_new_privileges;
};

/* Before anything is opened or loaded: fills closed standard descriptors, keeps the memory out of
 * core files and away from other processes of the same user, locks it where the limit of locked
 * memory is unlimited, and raises the limit of open files to the hard one. What cannot be had is
 * not an error; process_write tells. */
void process_protect(void);

/* Says in the log what is unwise about the process. */
void process_warn(void);

/* Reads the text of such a file. What it lacks stays zero. */
void process_read_facts(const char *text, struct process_facts *ret_facts);

/* Writes members of a JSON object, `"undumpable":true,...`: each tells whether a protection is in
 * force now, from what the kernel says and not from what process_protect has tried. */
void process_write(struct text *out);

#endif
