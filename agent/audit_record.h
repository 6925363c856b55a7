/* What an audit line says: a decision and its members. */
#ifndef HINTSIGN_AGENT_AUDIT_RECORD_H
#define HINTSIGN_AGENT_AUDIT_RECORD_H

#include "agent/peer.h"
#include "client/text.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#define AUDIT_HASH_BYTES 32 /* of SHA-256 */

/* A decision. Strings are NULL and numbers absent where they are not known. */
struct audit_record {
    const char *type; /* "mint" or "sign" */
    const struct peer *peer;
    unsigned configuration;
    const char *profile;
    bool allowed;
    size_t allow; /* the entry that matched, where one did */
    const char *key;
    const char *key_digest;
    bool next_key; /* it is the profile's next_key */
    const char *audience;
    const char *algorithm;
    const char *kid;
    const char *jti;
    const char *token; /* its SHA-256 is recorded */
    size_t token_length;
    const unsigned char *digest; /* of what was signed for the caller; it is recorded */
    size_t digest_length;
    const char *reference;
    const char *error;
};

/* Adds what does not depend on the chain: all members between `time` and `prev`, each with a comma
 * before it. `token_hash` is used where there is a token. */
void audit_record_write(struct text *line, const struct audit_record *record,
                        const unsigned char *token_hash);

/* Each adds one member with a comma before it; a string that is NULL adds nothing. */
void audit_record_string(struct text *line, const char *name, const char *value);
void audit_record_integer(struct text *line, const char *name, int64_t value);
void audit_record_true(struct text *line, const char *name);
void audit_record_hash(struct text *line, const char *name,
                       const unsigned char hash[static AUDIT_HASH_BYTES]);

/* Reads a hash as it stands in a line: 2 * AUDIT_HASH_BYTES lower-case hexadecimal digits, whatever
 * is behind them. Returns whether it is one. */
bool audit_record_read_hash(const char *digits, unsigned char ret_hash[static AUDIT_HASH_BYTES]);

/* Hashes any bytes. Returns false when OpenSSL fails. */
bool audit_record_sha256(const EVP_MD *sha256, const void *data, size_t length,
                         unsigned char ret_hash[static AUDIT_HASH_BYTES]);

/* Starts the members of a record that is no decision: `time` and `type`. */
void audit_record_begin(struct text *line, const char *type);

#define AUDIT_TIME_MAX 40

/* Now, in UTC with microseconds (RFC 3339). */
void audit_record_now(char ret_time[static AUDIT_TIME_MAX]);

/* `time`: now. */
void audit_record_time(struct text *line);

/* The bytes that a checkpoint signs: that line `covers` has this hash. `time` is that of the
 * checkpoint's own line. */
void audit_record_statement(struct text *text, int64_t covers,
                            const unsigned char hash[static AUDIT_HASH_BYTES], const char *time);

#endif
