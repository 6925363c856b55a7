/* Who may have what minted, as a text for access reviews. */
#ifndef HINTSIGN_AGENT_ACCESS_H
#define HINTSIGN_AGENT_ACCESS_H

#include "agent/conf.h"
#include "client/text.h"

#include <openssl/evp.h>

/* Writes one line a fact, in ASCII: the listeners and tokens, then every profile with all that
 * decides who may use it for what. The same configuration gives the same bytes, wherever its files
 * lie. The last line is the SHA-256 of all lines before it, in hexadecimal digits.
 * Returns 0, or -1 without memory. */
int access_write(const struct conf *conf, const EVP_MD *sha256, struct text *out);

#endif
