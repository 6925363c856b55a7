/* Finds the line on which a value stands in a JSON text. */
#ifndef HINTSIGN_AGENT_JSON_LINE_H
#define HINTSIGN_AGENT_JSON_LINE_H

#include "agent/json_file.h"

/* The line, from 1, of a member's name or an element's beginning. `text` is valid JSON, the one
 * that `at` was parsed from. */
size_t json_line(const char *text, const struct json_at *at);

#endif
