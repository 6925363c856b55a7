/* Documents from the web: https only, with limits on everything that the other side decides. */
#ifndef HINTSIGN_FETCH_HTTP_H
#define HINTSIGN_FETCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_DOCUMENT_MAX    ((size_t)256 * 1024) /* bytes */
#define HTTP_HEADERS_MAX     ((size_t)64 * 1024)  /* bytes, of one reply */
#define HTTP_CONNECT_SECONDS 10
#define HTTP_WHOLE_SECONDS   30 /* of one request, unless set */
#define HTTP_REDIRECTS_MAX   3
#define HTTP_MAX_AGE_UNSAID  (-1L)
#define HTTP_MAX_AGE_MAX     31536000L /* seconds; a year */
#define HTTP_ERROR_MAX       640

struct http_settings {
    const char *ca_file;     /* the only certificates that are trusted; NULL: the system's */
    const char *proxy;       /* URL; NULL: none, whatever the environment says */
    long seconds;            /* from the beginning of a request to the last byte of its reply */
    bool (*cancelled)(void); /* asked once a second, or NULL */
};

struct http_document {
    char *text;
    size_t length;
    long max_age; /* seconds, as Cache-Control says, or HTTP_MAX_AGE_UNSAID */
};

/* Gets a document. Redirects are followed on the same scheme, host and port alone. Returns 0, or
 * -1 with "URL: what is wrong" in `error`. Free with http_document_free. */
int http_get(const struct http_settings *settings, const char *url,
             struct http_document *ret_document, char error[static HTTP_ERROR_MAX]);

void http_document_free(struct http_document *document);

/* How many seconds a reply with this Cache-Control may be kept (RFC 9111 section 5.2.2), or
 * HTTP_MAX_AGE_UNSAID. It is 0 for no-store, no-cache and a max-age that makes no sense. */
long http_max_age(const char *cache_control);

#endif
