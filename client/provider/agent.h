/* The agent at one socket, with connections that threads take and give back. */
#ifndef HINTSIGN_PROVIDER_AGENT_H
#define HINTSIGN_PROVIDER_AGENT_H

#include "client/provider/core.h"

struct agent;

/* The agent at this path, or, where it is NULL, where libhintsign looks by itself. Connects to
 * nothing. Returns NULL without memory. */
struct agent *agent_new(const char *path);

struct agent *agent_ref(struct agent *agent);

/* Drops a reference; the last one closes the connections. Accepts NULL. */
void agent_unref(struct agent *agent);

/* Each asks the agent one question, on a connection of its own as long as it lasts. They return 1,
 * or 0 with the reason in OpenSSL's error queue. What they give is the caller's: free the texts
 * with free(3), the signature with hintsign_signature_free. */
int agent_sign(const struct provider *provider, struct agent *agent,
               const struct hintsign_sign_request *request,
               struct hintsign_signature **ret_signature);
int agent_keys(const struct provider *provider, struct agent *agent, const char *profile,
               char **ret_json);
int agent_profiles(const struct provider *provider, struct agent *agent, char **ret_json);

#endif
