/* A provider's encryption keys as a file: one an issuer, named after it, written by hintsign-fetch
 * or by an administrator. It is a JWK Set (RFC 7517 section 5) with two more members:
 *
 *     { "issuer": "https://op.example", "fetched_at": 1700000000, "keys": [ ... ] }
 */
#ifndef HINTSIGN_AGENT_PROVIDER_KEYS_FILE_H
#define HINTSIGN_AGENT_PROVIDER_KEYS_FILE_H

#include "agent/json_file.h"

#include <stdint.h>

#define PROVIDER_KEYS_DIR       "/var/lib/hintsign/provider-keys" /* unless configured */
#define PROVIDER_KEYS_MAX       64                                /* keys in a file */
#define PROVIDER_KEYS_MAX_STALE 86400 /* seconds that keys serve, unless configured */
#define PROVIDER_KEYS_PINNED    INT64_C(-1)
#define PROVIDER_KEYS_NAME_SIZE 256 /* of a file's name, and more than its issuer needs */

enum provider_keys_file_code {
    PROVIDER_KEYS_FILE_MISSING = -1,
    PROVIDER_KEYS_FILE_BAD = -2,
};

struct provider_keys_file {
    struct json_file json; /* json.error says what is wrong */
    char *path;
    int64_t fetched_at; /* seconds since 1970, or PROVIDER_KEYS_PINNED: these never go stale */
    json_t *keys;       /* borrowed: an array of 1 to PROVIDER_KEYS_MAX objects, not looked into */
};

/* The file's name: the issuer with everything but unreserved characters (RFC 3986 section 2.3)
 * percent-encoded, and ".json". Returns -1 when the string is no issuer: an https URL without user,
 * query and fragment (OpenID Connect Discovery section 3), short enough for a name. */
int provider_keys_file_name(const char *issuer, char ret_name[static PROVIDER_KEYS_NAME_SIZE]);

/* Reads the file of an issuer in the folder. It must belong to root, the folder's owner or us, and
 * nobody else may be able to write it. Returns 0 or a provider_keys_file_code. Free with
 * provider_keys_file_close either way. */
int provider_keys_file_read(struct provider_keys_file *file, const char *dir, const char *issuer);

void provider_keys_file_close(struct provider_keys_file *file);

/* Puts a file in place of the issuer's old one, whole or not at all. `keys` is an array of public
 * JWKs. Returns 0, or -1 with "FILE: what is wrong" in `error`. */
int provider_keys_file_write(const char *dir, const char *issuer, int64_t fetched_at, json_t *keys,
                             char error[static JSON_FILE_ERROR_MAX]);

#endif
