/* Reads `limits` of agent.json. */
#include "config.h"
#include "agent/conf_limits.h"

static int take(struct json_file *file, const struct json_at *at, json_int_t max,
                unsigned *ret_value)
{
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, max, &value);
    if (r == 0)
        *ret_value = (unsigned)value;
    return r;
}

static int take_connections(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_limits *limits = target;
    return take(file, at, CONF_CONNECTIONS_MAX, &limits->connections);
}

static int take_connections_per_uid(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_limits *limits = target;
    return take(file, at, CONF_CONNECTIONS_MAX, &limits->connections_per_uid);
}

static int take_receive_timeout(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_limits *limits = target;
    return take(file, at, CONF_TIMEOUT_MAX, &limits->receive_timeout);
}

static int take_send_timeout(struct json_file *file, const struct json_at *at, void *target)
{
    struct conf_limits *limits = target;
    return take(file, at, CONF_TIMEOUT_MAX, &limits->send_timeout);
}

static const struct json_member members[] = {
    {"connections", false, take_connections},
    {"connections_per_uid", false, take_connections_per_uid},
    {"receive_timeout", false, take_receive_timeout},
    {"send_timeout", false, take_send_timeout},
    {NULL, false, NULL},
};

static unsigned share_of(unsigned connections)
{
    return connections < CONF_UID_SHARE ? 1 : connections / CONF_UID_SHARE;
}

void conf_limits_default(struct conf_limits *ret_limits)
{
    *ret_limits = (struct conf_limits){.connections = CONF_CONNECTIONS,
                                       .connections_per_uid = share_of(CONF_CONNECTIONS),
                                       .receive_timeout = CONF_RECEIVE_TIMEOUT,
                                       .send_timeout = CONF_SEND_TIMEOUT};
}

int conf_limits_take(struct json_file *file, const struct json_at *at,
                     struct conf_limits *ret_limits)
{
    struct conf_limits limits;
    conf_limits_default(&limits);
    limits.connections_per_uid = 0;
    int r = json_take_object(file, at, members, &limits);
    if (r < 0)
        return r;
    if (limits.connections_per_uid == 0)
        limits.connections_per_uid = share_of(limits.connections);
    if (limits.connections_per_uid > limits.connections)
        return json_file_error(file, at, "\"connections_per_uid\" is more than \"connections\"");
    *ret_limits = limits;
    return 0;
}
