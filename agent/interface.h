/* The texts of the Varlink interfaces that the agent implements. */
#ifndef HINTSIGN_AGENT_INTERFACE_H
#define HINTSIGN_AGENT_INTERFACE_H

extern const char interface_agent[];   /* doc/io.hintsign.Agent.varlink, to the byte */
extern const char interface_admin[];   /* doc/io.hintsign.Admin.varlink, the same */
extern const char interface_service[]; /* org.varlink.service */

#endif
