/* What GetStatus and ListProfiles say. */
#ifndef HINTSIGN_AGENT_STATUS_H
#define HINTSIGN_AGENT_STATUS_H

#include "agent/audit.h"
#include "agent/hsm.h"
#include "agent/policy.h"
#include "client/text.h"

#define STATUS_REASON_MAX 800

/* Whether the profile can mint now: its key is ready, and so are the keys that it encrypts to.
 * Otherwise `reason` says why not, in one line. */
bool status_is_ready(const struct conf *conf, const struct profile *profile, char *reason,
                     size_t size);

struct service;

/* Each writes the reply's parameters, a JSON object, as doc/io.hintsign.Agent.varlink has it. */
void status_write(const struct service *service, const struct conf *conf, const struct peer *peer,
                  struct text *out);
void status_write_profiles(const struct conf *conf, const struct peer *peer, struct text *out);

#endif
