/* The agent's numbers for Prometheus and others that read its formats. */
#ifndef HINTSIGN_CLI_OPENMETRICS_H
#define HINTSIGN_CLI_OPENMETRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Whether the reply to GetStatus has the numbers: the agent gives them to root and to its own
 * user. */
bool openmetrics_has(const json_t *status);

/* Writes them in the text format of OpenMetrics 1.0, which parsers of Prometheus's older text
 * format read as well. */
void openmetrics_write(FILE *out, const json_t *status);

#endif
