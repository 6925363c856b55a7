/* agent.json itself, without the profiles. */
#ifndef HINTSIGN_AGENT_CONF_AGENT_H
#define HINTSIGN_AGENT_CONF_AGENT_H

#include "agent/conf.h"

/* Takes agent.json's members into *conf, which conf_unref frees either way, and what it leaves out
 * by default. Returns 0, or -1 with "FILE:LINE: MEMBER: what is wrong" in `error`. */
int conf_agent_load(const char *path, struct conf *conf, char error[static CONF_ERROR_MAX]);

#endif
