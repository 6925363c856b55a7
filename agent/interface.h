/* The Varlink interfaces that the agent implements, and what it says of them. */
#ifndef HINTSIGN_AGENT_INTERFACE_H
#define HINTSIGN_AGENT_INTERFACE_H

#include "client/text.h"

extern const char interface_agent[];   /* doc/io.hintsign.Agent.varlink, to the byte */
extern const char interface_admin[];   /* doc/io.hintsign.Admin.varlink, the same */
extern const char interface_service[]; /* org.varlink.service */

/* Each socket serves one interface of ours, `own` ("io.hintsign.Agent"), and org.varlink.service.
 * These write the parameters of its replies to GetInfo and GetInterfaceDescription. Return 0 or
 * REFUSAL_INTERFACE_NOT_FOUND. */
void interface_write_info(const char *own, struct text *out);
int interface_write_description(const char *own, const char *name, struct text *out);

#endif
