/* One issuer: its metadata, its keys, its file. */
#ifndef HINTSIGN_FETCH_REFRESH_H
#define HINTSIGN_FETCH_REFRESH_H

#include "agent/fetch/discovery.h"
#include "agent/fetch/http.h"
#include "agent/fetch/settings.h"

#define REFRESH_ERROR_MAX 1024

/* What it takes; all borrowed. */
struct refresh_means {
    struct http_settings http;
    const struct jose *jose;
    const char *dir; /* of the files */
};

struct refresh {
    bool pinned;  /* nothing was fetched: an administrator's keys stand there */
    bool changed; /* the keys are others than before */
    size_t keys;
    long max_age;                      /* seconds, or HTTP_MAX_AGE_UNSAID */
    char left_out[DISCOVERY_NOTE_MAX]; /* which keys of the provider, and why; may be empty */
};

/* Fetches the keys of an issuer into its file. Returns 0, or -1 with what is wrong in `error`; then
 * the file is as it was. A file that cannot be read is not replaced: somebody meant something by
 * it. */
int refresh_issuer(const struct refresh_means *means, const struct settings_issuer *entry,
                   struct refresh *ret_refresh, char error[static REFRESH_ERROR_MAX]);

#endif
