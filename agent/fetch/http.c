/* Gets one document over https, and refuses whatever is too long, too slow or elsewhere. */
#include "config.h"
#include "agent/fetch/http.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One request, with what its callbacks found. */
struct request {
    const struct http_settings *settings;
    CURL *curl;
    char *url; /* where we are; ours */
    char *error;
    char detail[CURL_ERROR_SIZE];
    char *text;
    size_t length;
    size_t headers;
    const char *excess; /* what was too long, or NULL */
};

static int fail(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct request *request, const char *format, ...)
{
    char what[CURL_ERROR_SIZE + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(request->error, HTTP_ERROR_MAX, "%.200s: %s", request->url, what);
    for (char *c = request->error; *c; c++) /* the other side had a say in it */
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return -1;
}

static size_t take_body(char *data, size_t size, size_t count, void *target)
{
    struct request *request = target;
    size_t length = size * count;
    if (length > HTTP_DOCUMENT_MAX - request->length) {
        request->excess = "the document is longer than 256 KiB";
        return 0;
    }
    memcpy(request->text + request->length, data, length);
    request->length += length;
    return length;
}

static size_t take_header(char *data, size_t size, size_t count, void *target)
{
    struct request *request = target;
    (void)data;
    request->headers += size * count;
    if (request->headers > HTTP_HEADERS_MAX) {
        request->excess = "the reply's headers are longer than 64 KiB";
        return 0;
    }
    return size * count;
}

static int check_cancelled(void *target, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                           curl_off_t up)
{
    const struct request *request = target;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return request->settings->cancelled && request->settings->cancelled();
}

static void set_transport(CURL *curl, const struct http_settings *settings)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (settings->ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    /* "" and not NULL, which would let the environment choose one. */
    curl_easy_setopt(curl, CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, settings->seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

static void set_request(CURL *curl, struct request *request)
{
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, PACKAGE_NAME "-fetch/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_cancelled);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, request);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->detail);
}

/* Sends the request to request->url. */
static int perform(struct request *request)
{
    request->length = 0;
    request->headers = 0;
    request->detail[0] = '\0';
    if (curl_easy_setopt(request->curl, CURLOPT_URL, request->url) != CURLE_OK)
        return fail(request, "out of memory");
    CURLcode code = curl_easy_perform(request->curl);
    if (code == CURLE_OK)
        return 0;
    if (request->excess)
        return fail(request, "%s", request->excess);
    return fail(request, "%s", request->detail[0] ? request->detail : curl_easy_strerror(code));
}

/* A part of the URL, or NULL; free with curl_free. */
static char *part(CURLU *url, CURLUPart what)
{
    char *text = NULL;
    if (curl_url_get(url, what, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        text = NULL;
    return text;
}

/* An https URL without user, parsed; NULL for every other. Free with curl_url_cleanup. */
static CURLU *parse(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool good = url && curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
                (scheme = part(url, CURLUPART_SCHEME)) && strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (good)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart what)
{
    char *of_a = part(a, what), *of_b = part(b, what);
    bool same = of_a && of_b && strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
    return same;
}

static bool same_origin(const char *one, const char *other)
{
    CURLU *a = parse(one), *b = parse(other);
    bool same = a && b && same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT);
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}

/* Returns 1 when there is somewhere to go on to. */
static int follow(struct request *request, int redirects)
{
    const char *target = NULL;
    curl_easy_getinfo(request->curl, CURLINFO_REDIRECT_URL, &target);
    if (!target)
        return 0;
    if (!same_origin(request->url, target))
        return fail(request, "redirects to %.200s, which is another host or not https", target);
    if (redirects == HTTP_REDIRECTS_MAX)
        return fail(request, "redirects more than %d times", HTTP_REDIRECTS_MAX);
    char *url = strdup(target);
    if (!url)
        return fail(request, "out of memory");
    free(request->url);
    request->url = url;
    return 1;
}

static int check_status(struct request *request)
{
    long status = 0;
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? 0 : fail(request, "answered with status %ld", status);
}

static int get(struct request *request)
{
    int r = 1;
    for (int redirects = 0; r > 0; redirects++) {
        r = perform(request);
        if (r == 0)
            r = follow(request, redirects);
    }
    return r == 0 ? check_status(request) : r;
}

static long lesser_age(long a, long b)
{
    if (a == HTTP_MAX_AGE_UNSAID || b == HTTP_MAX_AGE_UNSAID)
        return a == HTTP_MAX_AGE_UNSAID ? b : a;
    return a < b ? a : b;
}

static long directive_age(const char *directive, size_t length)
{
    static const char name[] = "max-age=";
    size_t name_len = strlen(name);
    if (length >= 8 &&
        (strncasecmp(directive, "no-store", 8) == 0 || strncasecmp(directive, "no-cache", 8) == 0))
        return 0;
    if (length < name_len || strncasecmp(directive, name, name_len) != 0)
        return HTTP_MAX_AGE_UNSAID;
    long seconds = 0;
    for (size_t i = name_len; i < length && seconds < HTTP_MAX_AGE_MAX; i++) {
        if (directive[i] < '0' || directive[i] > '9')
            return 0;
        seconds = seconds * 10 + (directive[i] - '0');
    }
    return seconds < HTTP_MAX_AGE_MAX ? seconds : HTTP_MAX_AGE_MAX;
}

long http_max_age(const char *cache_control)
{
    long age = HTTP_MAX_AGE_UNSAID;
    const char *c = cache_control + strspn(cache_control, ", \t");
    while (*c) {
        size_t length = strcspn(c, ", \t");
        age = lesser_age(age, directive_age(c, length));
        c += length;
        c += strspn(c, ", \t");
    }
    return age;
}

static long max_age(CURL *curl)
{
    struct curl_header *header;
    long age = HTTP_MAX_AGE_UNSAID;
    for (size_t i = 0;
         curl_easy_header(curl, "Cache-Control", i, CURLH_HEADER, -1, &header) == CURLHE_OK; i++)
        age = lesser_age(age, http_max_age(header->value));
    return age;
}

static int open_and_get(struct request *request)
{
    request->curl = curl_easy_init();
    request->text = malloc(HTTP_DOCUMENT_MAX);
    if (!request->curl || !request->text)
        return fail(request, "out of memory");
    CURLU *parsed = parse(request->url);
    curl_url_cleanup(parsed);
    if (!parsed)
        return fail(request, "is no https URL without a user");
    set_transport(request->curl, request->settings);
    set_request(request->curl, request);
    return get(request);
}

int http_get(const struct http_settings *settings, const char *url,
             struct http_document *ret_document, char error[static HTTP_ERROR_MAX])
{
    struct request request = {.settings = settings, .url = strdup(url), .error = error};
    if (!request.url) {
        snprintf(error, HTTP_ERROR_MAX, "out of memory");
        return -1;
    }
    int r = open_and_get(&request);
    if (r == 0) {
        *ret_document = (struct http_document){
            .text = request.text, .length = request.length, .max_age = max_age(request.curl)};
        request.text = NULL;
    }
    curl_easy_cleanup(request.curl);
    free(request.text);
    free(request.url);
    return r;
}

void http_document_free(struct http_document *document)
{
    free(document->text);
    *document = (struct http_document){0};
}
