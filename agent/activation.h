/* Listening sockets that the service manager has opened for the agent (sd_listen_fds(3)). */
#ifndef HINTSIGN_AGENT_ACTIVATION_H
#define HINTSIGN_AGENT_ACTIVATION_H

#include "agent/conf.h"

#define ACTIVATION_MAX      CONF_LISTENERS_MAX
#define ACTIVATION_NAME_MAX 255 /* systemd's limit */

struct activation {
    struct {
        char name[ACTIVATION_NAME_MAX + 1]; /* FileDescriptorName= */
        int fd;                             /* -1 once it is taken */
    } sockets[ACTIVATION_MAX];
    size_t count;
};

/* Reads what the environment says of them and removes it from there: before any thread starts, so
 * that no module and nothing that one starts takes them for its own. Each has the name of a
 * listener of the configuration, another one each. Returns 0, also where there are none, or -1 with
 * the reason in `error`. */
int activation_take(const struct conf *conf, struct activation *ret_activation,
                    char error[static CONF_ERROR_MAX]);

/* Hands over the socket of that name, non-blocking. Returns its descriptor, or -1 if there is
 * none. */
int activation_find(struct activation *activation, const char *name);

#endif
