/* The documents of OpenID Connect Discovery: what is in them, and what is wrong with them. */
#ifndef HINTSIGN_FETCH_DISCOVERY_H
#define HINTSIGN_FETCH_DISCOVERY_H

#include "agent/jose/jose.h"

#include <jansson.h>
#include <stdbool.h>

#define DISCOVERY_URL_SIZE  320 /* of an issuer that has a file name, and the rest */
#define DISCOVERY_URI_MAX   2048
#define DISCOVERY_NOTE_MAX  256
#define DISCOVERY_ERROR_MAX 512

/* Where the issuer's metadata are (OpenID Connect Discovery section 4). */
void discovery_url(const char *issuer, char ret_url[static DISCOVERY_URL_SIZE]);

/* Takes "jwks_uri" from the metadata, which must be those of this very issuer (section 4.3).
 * Free it with free(). Returns 0, or -1 with what is wrong in `error`. */
int discovery_jwks_uri(const char *text, size_t length, const char *issuer, char **ret_uri,
                       char error[static DISCOVERY_ERROR_MAX]);

/* Takes from a JWK Set the public members of the keys that one can encrypt to. Keys that cannot
 * serve are named in `ret_left_out`, those for signatures are passed over in silence. A set with a
 * private or a secret key, with a key id twice or without any key that can serve is refused; keys
 * that do not say what they are for serve only with `without_use`.
 * Free with json_decref. Returns 0, or -1 with what is wrong in `error`. */
int discovery_keys(const struct jose *jose, const char *text, size_t length, bool without_use,
                   json_t **ret_keys, char ret_left_out[static DISCOVERY_NOTE_MAX],
                   char error[static DISCOVERY_ERROR_MAX]);

#endif
