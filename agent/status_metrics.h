/* The numbers in GetStatus, for root and the agent's own user. */
#ifndef HINTSIGN_AGENT_STATUS_METRICS_H
#define HINTSIGN_AGENT_STATUS_METRICS_H

#include "agent/serve.h"

/* Writes an object of type Metrics (doc/io.hintsign.Agent.varlink). */
void status_metrics_write(const struct service *service, const struct conf *conf, struct text *out);

#endif
