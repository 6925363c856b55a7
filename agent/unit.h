/* The systemd unit that a process belongs to, as its cgroup tells. */
#ifndef HINTSIGN_AGENT_UNIT_H
#define HINTSIGN_AGENT_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UNIT_NAME_MAX 255 /* bytes, as in systemd */

/* Whether it is the name of a unit that can have processes and is no slice: "portal.service". */
bool unit_is_name(const char *name, size_t length);

/* Finds the unit in the text of a /proc/PID/cgroup (cgroups(7)): the first component below
 * system.slice that is no slice. What is below user.slice, where users make units of their own,
 * counts for nothing. Pure. */
bool unit_parse(const char *cgroups, char ret_unit[static UNIT_NAME_MAX + 1]);

/* Finds the unit of the process that has this number now. That it is the one that was meant is
 * for the caller to prove, afterwards. */
bool unit_read(pid_t pid, char ret_unit[static UNIT_NAME_MAX + 1]);

/* Why units of other processes cannot be told, under our own user and sandbox; NULL if they can.
 * Static text. */
const char *unit_problem(void);

#endif
