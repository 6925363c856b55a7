/* What happens to the agent itself, as records of the audit log: who started it with what, and what
 * its tokens do. Each function only hands the record over; a keeper that is NULL records nothing.
 */
#ifndef HINTSIGN_AGENT_AUDIT_EVENT_H
#define HINTSIGN_AGENT_AUDIT_EVENT_H

#include "agent/audit_keeper.h"

/* `start` and `reload`: the configuration that is in force now, by its hashes. */
void audit_event_start(struct audit_keeper *keeper, const struct conf *conf);
void audit_event_reload(struct audit_keeper *keeper, const struct conf *conf);

/* A `reload` that failed: `conf` stays in force. */
void audit_event_reload_failed(struct audit_keeper *keeper, const struct conf *conf,
                               const char *error);

/* `stop`; `error` is NULL at an orderly end. */
void audit_event_stop(struct audit_keeper *keeper, const char *error);

/* `unlock`, `lock` or `login_failed`: by an administrator, or, with a `peer` that is NULL, by the
 * agent itself. `error` may be NULL. */
void audit_event_login(struct audit_keeper *keeper, const char *type, const char *token,
                       const struct peer *peer, const char *error);

/* `token_state`. */
void audit_event_token(struct audit_keeper *keeper, const struct token *token,
                       enum token_state state);

/* `doubtful`: what the key has signed on the token since that time (RFC 3339) may be wrong. */
void audit_event_doubtful(struct audit_keeper *keeper, const struct token *token,
                          const struct key *key, const char *since);

/* `key_set`: what the index of a token found. Only on the thread that makes the index. `last` is
 * the hash of the record before, zeros at first; the same keys are not recorded again. */
void audit_event_keys(struct audit_keeper *keeper, const struct crypto *crypto,
                      const struct token *token, unsigned char last[static AUDIT_HASH_BYTES]);

#endif
