/* hintsign.h: asks hintsign-agent, over its Unix socket, for finished tokens. See libhintsign(3).
 *
 *     struct hintsign *handle;
 *     struct hintsign_token *token;
 *     struct hintsign_request request = {.profile = "pingone", .claims = "{\"sub\":\"bob\"}"};
 *
 *     if (hintsign_open(NULL, &handle) < 0)
 *         return -1;
 *     if (hintsign_mint(handle, &request, &token) < 0)
 *         fprintf(stderr, "%s\n", hintsign_last_error(handle)->message);
 *     else
 *         puts(token->jwt), hintsign_token_free(token);
 *     hintsign_close(handle);
 *
 * Functions return HINTSIGN_OK or a negative code; what they give comes last, is named ret_...,
 * and is written only on success. The library logs nothing, raises no signal and keeps no global
 * state. Strings are UTF-8. */
#ifndef HINTSIGN_H
#define HINTSIGN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hintsign_code {
    HINTSIGN_OK = 0,
    HINTSIGN_INVALID = -1,     /* an argument is not usable; nothing was sent */
    HINTSIGN_NO_MEMORY = -2,   /* out of memory */
    HINTSIGN_UNREACHABLE = -3, /* no agent at the socket, or it closed the connection twice */
    HINTSIGN_TIMEOUT = -4,     /* the agent did not answer in time */
    HINTSIGN_PROTOCOL = -5,    /* what answers there does not keep to io.hintsign.Agent */
    HINTSIGN_REFUSED = -6,     /* the agent refuses this request: change it, or the policy */
    HINTSIGN_UNAVAILABLE = -7, /* the agent cannot do it now; the same request may succeed later */
};

/* A connection to the agent. One thread at a time may use a handle; two handles never disturb
 * each other. After fork() parent and child may both go on: the child gets a connection of its
 * own. A connection that the agent closed, for instance because it was restarted, is made again
 * once and the request repeated. */
struct hintsign;

/* Makes a handle for the agent's socket at `path`; NULL means the environment's HINTSIGN_SOCKET
 * or else the system's path. Does not connect yet: the first call does.
 * Fails with HINTSIGN_INVALID for a path that is too long, or HINTSIGN_NO_MEMORY. */
int hintsign_open(const char *path, struct hintsign **ret_handle);

/* Closes the connection and frees the handle, which may be NULL. */
void hintsign_close(struct hintsign *handle);

/* Sets how long each call waits for its next answer: milliseconds, 30,000 at first.
 * -1 waits for ever. */
void hintsign_set_timeout(struct hintsign *handle, int milliseconds);

/* What a token is asked for with; members that are NULL are left out. */
struct hintsign_request {
    const char *profile;   /* required */
    const char *audience;  /* needed only where the profile has several */
    const char *claims;    /* a JSON object as text, e.g. {"sub":"bob"} */
    const char *reference; /* for the audit log: at most 128 printable ASCII characters */
};

/* A finished token. Allocated by the library, which may add members at the end. */
struct hintsign_token {
    const char *jwt;    /* compact serialization (RFC 7515, RFC 7516): A-Z a-z 0-9 - _ . only */
    int64_t expires_at; /* its exp, seconds since the epoch; 0 where it has none */
    const char *kid;    /* id of the key that signed it; NULL where it has none */
    int64_t id;         /* sequence number of its audit record */
};

/* Asks for one token, which the caller frees. */
int hintsign_mint(struct hintsign *handle, const struct hintsign_request *request,
                  struct hintsign_token **ret_token);

/* Frees a token, which may be NULL. */
void hintsign_token_free(struct hintsign_token *token);

/* What became of one request of many. `code` is HINTSIGN_OK and `token` lasts until the function
 * returns; or `code` says why there is no token, and hintsign_last_error() tells more. The
 * function must not use the handle otherwise. */
typedef void hintsign_answer_fn(void *data, size_t index, int code,
                                const struct hintsign_token *token);

/* Asks for many tokens without waiting for one answer before sending the next request; calls
 * `answer` once for each, in the order of the requests. Returns HINTSIGN_OK when every request
 * was answered, be it with a refusal. Otherwise the conversation broke, and the requests from the
 * first on that was not answered have no token. */
int hintsign_mint_many(struct hintsign *handle, const struct hintsign_request *requests,
                       size_t count, hintsign_answer_fn *answer, void *data);

/* Bytes that a request to sign may have: data that is longer must be hashed by the caller. */
#define HINTSIGN_DATA_MAX 46080

/* What a signature is asked for with; of data and digest exactly one is not NULL. */
struct hintsign_sign_request {
    const char *profile;   /* of kind raw; required */
    const char *algorithm; /* as in JOSE, e.g. "ES256"; one of the profile's; required */
    const void *data;      /* what is to be signed */
    size_t data_length;
    const void *digest; /* ... or its hash, by the algorithm's hash function; not for EdDSA */
    size_t digest_length;
    const char *reference; /* for the audit log; NULL: none */
};

/* A signature. Allocated by the library, which may add members at the end. */
struct hintsign_signature {
    const unsigned char *bytes; /* of ECDSA: r||s (RFC 7518 section 3.4) */
    size_t length;
    int64_t id; /* sequence number of its audit record */
};

/* Asks for one signature, which the caller frees. */
int hintsign_sign(struct hintsign *handle, const struct hintsign_sign_request *request,
                  struct hintsign_signature **ret_signature);

/* Frees a signature, which may be NULL. */
void hintsign_signature_free(struct hintsign_signature *signature);

/* The public keys with which tokens of `profile` are verified, or those of every profile that the
 * caller may use where it is NULL: the JSON text of a JWK Set (RFC 7517), {"keys":[...]}, as a
 * discovery service publishes it. Profiles of kind raw must be named. The caller frees it with
 * free(3). */
int hintsign_keys(struct hintsign *handle, const char *profile, char **ret_json);

/* The same of the key that signs checkpoints of the agent's audit log, which is not published:
 * hintsign-audit(1) verifies the log with it. */
int hintsign_audit_keys(struct hintsign *handle, char **ret_json);

/* The profiles that the caller may use: the JSON text of ListProfiles' reply in
 * io.hintsign.Agent, {"profiles":[...]}. The caller frees it with free(3). */
int hintsign_profiles(struct hintsign *handle, char **ret_json);

/* The agent's health: the JSON text of GetStatus' reply, {"version":...,"ready":true,...}.
 * The caller frees it with free(3). */
int hintsign_status(struct hintsign *handle, char **ret_json);

/* Why a call failed. Owned by the handle, which may add members at the end. */
struct hintsign_error {
    int code;
    const char *name;       /* one word: the agent's ("NotAllowed") or the library's ("Timeout") */
    const char *message;    /* one sentence without control characters, safe to show */
    int64_t retry_after_ms; /* when to try again, as the agent advises; -1 where it does not */
};

/* The failure of the handle's last call that failed; valid until the next call. */
const struct hintsign_error *hintsign_last_error(const struct hintsign *handle);

/* What a code means, in one sentence. Never NULL. */
const char *hintsign_strerror(int code);

#ifdef __cplusplus
}
#endif

#endif
