/* The kid of a private key: what a profile says, or the key's thumbprint. */
#include "config.h"
#include "agent/kid.h"
#include "agent/jose/jwk_write.h"
#include "agent/refusal.h"

#include <stdio.h>

int kid_write(const struct jose *jose, const struct key *key, const char *set, char *ret_kid,
              size_t size)
{
    char thumbprint[JWK_THUMBPRINT_LENGTH + 1];
    if (!set && jwk_write_thumbprint(jose, key->public_key, thumbprint) < 0)
        return REFUSAL_INTERNAL;
    int n = snprintf(ret_kid, size, "%s", set ? set : thumbprint);
    return n >= 0 && (size_t)n < size ? 0 : REFUSAL_INTERNAL;
}
