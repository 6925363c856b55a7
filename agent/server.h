/* The agent's main thread: accepts, keeps limits, takes signals. Never calls PKCS#11. */
#ifndef HINTSIGN_AGENT_SERVER_H
#define HINTSIGN_AGENT_SERVER_H

#include "agent/activation.h"
#include "agent/notify.h"
#include "agent/serve.h"

/* Seconds for a module to answer at the start and at the end. */
#define SERVER_START_SECONDS 5
#define SERVER_STOP_SECONDS  10

#define SERVER_RECORD_MS 1000 /* for the disk, with what happened before the first request */

struct server;

/* Blocks the signals that server_run takes: before any module is loaded, so that no thread of a
 * module ever gets them. */
void server_block_signals(void);

/* Waits until every module has answered, at most SERVER_START_SECONDS. */
void server_wait_for_tokens(struct service *service);

/* Waits until the tokens have answered, opens the listeners and starts the workers, and tells the
 * service manager. `conf_path` is what a reload reads; all but the result is borrowed.
 * Returns 0, or -1 with the reason in `error`. */
int server_start(struct service *service, const char *conf_path, struct activation *activation,
                 struct notify *notify, struct server **ret_server,
                 char error[static CONF_ERROR_MAX]);

/* Serves until SIGTERM or SIGINT. */
void server_run(struct server *server);

/* When the end that begins now must be over, SERVER_STOP_SECONDS from now; and the whole seconds
 * until then, 0 when it has passed. */
int64_t server_stop_deadline(void);
int server_seconds_left(int64_t deadline);

/* Stops accepting, finishes what was read, removes the sockets. Returns false when a worker hangs
 * until the deadline. Accepts NULL. */
bool server_stop(struct server *server, int64_t deadline);

#endif
