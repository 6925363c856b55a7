/* Replies as they go out: the only place that names errors to callers. */
#ifndef HINTSIGN_AGENT_REPLY_H
#define HINTSIGN_AGENT_REPLY_H

#include "agent/refusal.h"
#include "client/text.h"
#include "client/varlink.h"

/* The longest `parameters` that clients take. */
#define REPLY_PARAMETERS_MAX (VARLINK_REPLY_MAX - sizeof "{\"parameters\":}")

/* All of these append one whole message, its NUL included. */

void reply_token(struct text *out, const char *token, size_t token_length, int64_t expires_at,
                 const char *kid, const char *kind, int64_t id);

void reply_signature(struct text *out, const unsigned char *signature, size_t length, int64_t id);

/* `parameters` is a JSON object. */
void reply_parameters(struct text *out, const struct text *parameters);

void reply_error(struct text *out, int code, const struct refusal *refusal);

/* The name of an error as it stands in the audit log, "NotAllowed". */
const char *reply_error_name(int code);

#endif
