/* `limits` of agent.json: what callers may hold, and for how long. */
#ifndef HINTSIGN_AGENT_CONF_LIMITS_H
#define HINTSIGN_AGENT_CONF_LIMITS_H

#include "agent/json_file.h"

#define CONF_CONNECTIONS     4096
#define CONF_CONNECTIONS_MAX 65536
#define CONF_UID_SHARE       4 /* of the connections one uid may have one in so many */
#define CONF_RECEIVE_TIMEOUT 45
#define CONF_SEND_TIMEOUT    30
#define CONF_TIMEOUT_MAX     3600

struct conf_limits {
    unsigned connections;
    unsigned connections_per_uid;
    unsigned receive_timeout; /* seconds to finish sending a message */
    unsigned send_timeout;    /* seconds for a caller to read a reply */
};

/* What holds without `limits`. */
void conf_limits_default(struct conf_limits *ret_limits);

/* Reads the object. Returns 0, or json_file_error(). */
int conf_limits_take(struct json_file *file, const struct json_at *at,
                     struct conf_limits *ret_limits);

#endif
