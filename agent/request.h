/* One call, parsed once: past this file nobody sees the caller's JSON. */
#ifndef HINTSIGN_AGENT_REQUEST_H
#define HINTSIGN_AGENT_REQUEST_H

#include "client/json_value.h"
#include "agent/refusal.h"

#define REQUEST_PARAMETERS_MAX 5   /* of a method */
#define REQUEST_VALUES_MAX     512 /* of JSON in a message, all taken together */
#define REQUEST_CLAIMS_MAX     32  /* of a request; as many members of objects in all */
#define REQUEST_REFERENCE_MAX  128 /* printable ASCII characters */
#define REQUEST_DATA_MAX       ((size_t)45 * 1024) /* bytes to be signed */

enum method {
    METHOD_MINT,
    METHOD_MINT_NEXT, /* of io.hintsign.Admin: no message to io.hintsign.Agent is ever this */
    METHOD_SIGN,
    METHOD_GET_KEYS,
    METHOD_LIST_PROFILES,
    METHOD_GET_STATUS,
    METHOD_GET_INFO,
    METHOD_GET_INTERFACE_DESCRIPTION,
};

/* A claim as the caller gave it, or a member of one. */
struct claim {
    const char *name;
    const char *value; /* of a string; NULL: it is none */
    size_t length;     /* bytes */
    bool is_integer, is_boolean, is_object;
    int64_t integer; /* also 0 or 1 of a boolean */
    const struct claim *members;
    size_t member_count;
};

/* Bytes that the caller gave. */
struct bytes {
    const unsigned char *data; /* NULL: not given */
    size_t length;
};

/* All that it points to lies in the message; what is absent is NULL. */
struct request {
    enum method method;
    bool oneway; /* the caller wants no reply */
    const char *profile;
    const char *audience;
    const char *reference;
    bool audit; /* the key of the audit log's checkpoints, not those of profiles */
    const char *interface;
    const char *algorithm;
    struct bytes data;                       /* of METHOD_SIGN: either this ... */
    struct bytes digest;                     /* ... or this */
    struct claim claims[REQUEST_CLAIMS_MAX]; /* the claims themselves ... */
    size_t claim_count;
    struct claim members[REQUEST_CLAIMS_MAX]; /* ... and the members of those that are objects */
    size_t member_count;
    struct json_value values[REQUEST_VALUES_MAX]; /* the message, taken apart */
};

/* Parses a message, whose bytes are changed and must last as long as the request. Returns 0 or a
 * refusal_code; `oneway` is filled in as far as it was found. */
int request_parse(char *message, size_t length, struct request *request, struct refusal *refusal);

/* The same for io.hintsign.Admin.MintNext, whose parameters are those of Mint; its name was looked
 * at before. */
int request_parse_next(char *message, size_t length, struct request *request,
                       struct refusal *refusal);

/* The methods of io.hintsign.Agent one by one, from index 0, with their parameters' names, which
 * end with NULL; NULL behind the last. For the test that holds them against the interface. */
const char *request_method_at(size_t index, const char *parameters[REQUEST_PARAMETERS_MAX + 1]);

#endif
