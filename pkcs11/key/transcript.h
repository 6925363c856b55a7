/* A file that ceremonies are recorded in, chained like the agent's audit log. */
#ifndef HINTSIGN_KEY_TRANSCRIPT_H
#define HINTSIGN_KEY_TRANSCRIPT_H

#include "pkcs11/crypto.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#define TRANSCRIPT_LINE_MAX ((size_t)64 * 1024) /* bytes */

/* Where the chain stands. Begin with TRANSCRIPT_NONE. */
struct transcript {
    const char *path; /* borrowed; NULL: there is none, and nothing is recorded */
    int fd;
    off_t size;                        /* of the whole lines */
    int64_t sequence;                  /* of the last line; 0 before the first */
    unsigned char hash[CRYPTO_SHA256]; /* of the last line; zeros before the first */
    OSSL_LIB_CTX *library;
    struct crypto *crypto;
};

#define TRANSCRIPT_NONE                                                                            \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Opens or creates the file (mode 0600), locks it and takes up its chain. A last line that was not
 * finished is cut off, and a record of type "torn" says so. `path` may be NULL. *transcript is
 * closed by the caller also after an error. Errors: P11_INVALID, P11_FAILED, P11_MEMORY. */
int transcript_open(const char *path, struct transcript *transcript, struct p11_error *error);

void transcript_close(struct transcript *transcript);

/* Adds a record with the members of the object `members` between its type and its prev, and waits
 * until it is on disk; a line is written whole or not at all. Without a transcript it does nothing.
 * Errors: P11_FAILED, P11_MEMORY. */
int transcript_append(struct transcript *transcript, const char *type, json_t *members,
                      struct p11_error *error);

/* JSON text as hintsign-audit takes it: no blanks, only what must be escaped is, \u in lower case.
 * To be freed; NULL when memory runs out. */
char *transcript_text(const json_t *record);

#define _cleanup_transcript_ __attribute__((cleanup(transcript_close)))

#endif
