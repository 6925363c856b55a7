/* Bytes that must not outlive their use: PINs and client secrets. */
#ifndef HINTSIGN_PKCS11_SECRET_H
#define HINTSIGN_PKCS11_SECRET_H

#include <stddef.h>

#define SECRET_MAX ((size_t)4096) /* bytes */

/* Zero-initialise; wipe with secret_wipe. The bytes are followed by a NUL that is not counted. */
struct secret {
    unsigned char *data;
    size_t length;
};

/* Gives *secret room for `size` bytes, replacing what it held. Returns 0 or -ENOMEM. */
int secret_reserve(struct secret *secret, size_t size);

/* Reads `fd` to its end and drops one final newline.
 * Returns 0, -EMSGSIZE when more than SECRET_MAX bytes remain, or another negative errno. */
int secret_read(int fd, struct secret *ret_secret);

/* Overwrites and frees the bytes; the secret is empty and usable afterwards. */
void secret_wipe(struct secret *secret);

#define _cleanup_secret_ __attribute__((cleanup(secret_wipe)))

#endif
