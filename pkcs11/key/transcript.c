/* Appends to a file of chained records: whole lines, on disk before anybody goes on. */
#include "config.h"
#include "pkcs11/key/transcript.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_LINE "{\"seq\":1," /* how a transcript begins */
#define TIME_SIZE  40

static int fail(const struct transcript *transcript, int code, const char *problem,
                struct p11_error *error)
{
    return p11_error_text(error, code, "transcript %s: %s", transcript->path, problem);
}

/* A new file must not vanish with its folder's old contents after a power failure. */
static int sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int r = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0)
        close(fd);
    free(copy);
    return r;
}

/* --- the last line --- */

/* The end of the file, at most an unfinished line and the whole one before it; with a NUL. */
static char *read_tail(const struct transcript *transcript, size_t *ret_length)
{
    size_t length = transcript->size < (off_t)(2 * TRANSCRIPT_LINE_MAX) ? (size_t)transcript->size
                                                                        : 2 * TRANSCRIPT_LINE_MAX;
    char *tail = malloc(length + 1);
    size_t done = 0;
    while (tail && done < length) {
        ssize_t n = pread(transcript->fd, tail + done, length - done,
                          transcript->size - (off_t)(length - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(tail);
            return NULL;
        }
        done += (size_t)n;
    }
    if (tail)
        tail[length] = '\0';
    *ret_length = length;
    return tail;
}

/* Takes up the chain from a whole line, without its newline. */
static int take_up(struct transcript *transcript, const char *line, size_t length,
                   struct p11_error *error)
{
    json_t *record = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    transcript->sequence = json_integer_value(json_object_get(record, "seq"));
    json_decref(record);
    if (transcript->sequence < 1)
        return fail(transcript, P11_INVALID, "its last line is no record", error);
    if (!crypto_sha256(transcript->crypto, line, length, transcript->hash))
        return fail(transcript, P11_FAILED, "OpenSSL cannot hash", error);
    return 0;
}

/* *ret_torn: the bytes behind the last whole line. */
static int find_last_line(struct transcript *transcript, char *tail, size_t length,
                          size_t *ret_torn, struct p11_error *error)
{
    char *end = memrchr(tail, '\n', length);
    *ret_torn = end ? length - (size_t)(end - tail) - 1 : length;
    if (!end) { /* nothing yet, or a first line that was not finished */
        size_t known = length < strlen(FIRST_LINE) ? length : strlen(FIRST_LINE);
        if (length < TRANSCRIPT_LINE_MAX && memcmp(tail, FIRST_LINE, known) == 0)
            return 0;
        return fail(transcript, P11_INVALID, "it is no transcript", error);
    }
    char *before = memrchr(tail, '\n', (size_t)(end - tail));
    char *start = before ? before + 1 : tail;
    return take_up(transcript, start, (size_t)(end - start), error);
}

static int cut_torn(struct transcript *transcript, size_t torn, struct p11_error *error)
{
    if (torn == 0)
        return 0;
    if (ftruncate(transcript->fd, transcript->size - (off_t)torn) < 0)
        return fail(transcript, P11_FAILED, strerror(errno), error);
    transcript->size -= (off_t)torn;
    json_t *members = json_pack("{s:I}", "bytes", (json_int_t)torn);
    int r = members ? transcript_append(transcript, "torn", members, error)
                    : fail(transcript, P11_MEMORY, "out of memory", error);
    json_decref(members);
    return r;
}

static int take_up_chain(struct transcript *transcript, struct p11_error *error)
{
    size_t length, torn;
    char *tail = read_tail(transcript, &length);
    if (!tail)
        return fail(transcript, P11_FAILED, "cannot be read", error);
    int r = find_last_line(transcript, tail, length, &torn, error);
    free(tail);
    return r == 0 ? cut_torn(transcript, torn, error) : r;
}

/* --- opening and closing --- */

static int open_file(struct transcript *transcript, struct p11_error *error)
{
    struct stat st;
    transcript->fd = open(transcript->path,
                          O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (transcript->fd < 0 || fstat(transcript->fd, &st) < 0)
        return fail(transcript, P11_INVALID, strerror(errno), error);
    if (!S_ISREG(st.st_mode))
        return fail(transcript, P11_INVALID, "it is not a regular file", error);
    if (flock(transcript->fd, LOCK_EX | LOCK_NB) < 0)
        return fail(transcript, P11_INVALID,
                    errno == EWOULDBLOCK ? "another program is writing it" : strerror(errno),
                    error);
    if (fstat(transcript->fd, &st) < 0) /* again: now that nobody else writes */
        return fail(transcript, P11_INVALID, strerror(errno), error);
    if (st.st_size == 0 && sync_folder(transcript->path) < 0)
        return fail(transcript, P11_FAILED, strerror(errno), error);
    transcript->size = st.st_size;
    return 0;
}

int transcript_open(const char *path, struct transcript *transcript, struct p11_error *error)
{
    *transcript = (struct transcript){.path = path, .fd = -1};
    if (!path)
        return 0;
    /* A library context of our own: modules use the default one. */
    transcript->library = OSSL_LIB_CTX_new();
    if (!transcript->library)
        return fail(transcript, P11_MEMORY, "out of memory", error);
    int r = crypto_new(transcript->library, NULL, &transcript->crypto, error);
    if (r == 0)
        r = open_file(transcript, error);
    return r == 0 ? take_up_chain(transcript, error) : r;
}

void transcript_close(struct transcript *transcript)
{
    if (transcript->fd >= 0)
        close(transcript->fd);
    crypto_free(transcript->crypto);
    OSSL_LIB_CTX_free(transcript->library);
    *transcript = (struct transcript)TRANSCRIPT_NONE;
}

/* --- writing --- */

/* jansson writes the digits of \u00XX in upper case. */
char *transcript_text(const json_t *record)
{
    char *text = json_dumps(record, JSON_COMPACT);
    for (char *c = text; c && *c; c++) {
        if (*c != '\\')
            continue;
        if (*++c == 'u')
            for (int i = 1; i <= 4; i++)
                c[i] = (char)tolower((unsigned char)c[i]);
    }
    return text;
}

static void put_time(char time[static TIME_SIZE])
{
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(time, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(time + n, TIME_SIZE - n, ".%06ldZ", now.tv_nsec / 1000);
}

/* The next record as a line without newline, to be freed; NULL when memory runs out. */
static char *make_line(const struct transcript *transcript, const char *type, json_t *members)
{
    char time[TIME_SIZE], prev[2 * CRYPTO_SHA256 + 1];
    put_time(time);
    for (size_t i = 0; i < CRYPTO_SHA256; i++)
        snprintf(prev + 2 * i, 3, "%02x", transcript->hash[i]);
    json_t *record = json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)transcript->sequence + 1,
                               "time", time, "type", type);
    bool made = record && json_object_update(record, members) == 0 &&
                json_object_set_new(record, "prev", json_string(prev)) == 0;
    char *line = made ? transcript_text(record) : NULL;
    json_decref(record);
    return line;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        length -= (size_t)n;
    }
    return fdatasync(fd);
}

/* `line` ends with a newline. */
static int write_line(struct transcript *transcript, const char *line, size_t length,
                      struct p11_error *error)
{
    unsigned char hash[CRYPTO_SHA256];
    if (length > TRANSCRIPT_LINE_MAX)
        return fail(transcript, P11_FAILED, "the record is too long", error);
    if (!crypto_sha256(transcript->crypto, line, length - 1, hash))
        return fail(transcript, P11_FAILED, "OpenSSL cannot hash", error);
    if (write_all(transcript->fd, line, length) < 0) {
        fail(transcript, P11_FAILED, strerror(errno), error);
        (void)!ftruncate(transcript->fd, transcript->size);
        return P11_FAILED;
    }
    transcript->size += (off_t)length;
    transcript->sequence++;
    memcpy(transcript->hash, hash, sizeof hash);
    return 0;
}

int transcript_append(struct transcript *transcript, const char *type, json_t *members,
                      struct p11_error *error)
{
    if (!transcript->path)
        return 0;
    char *line = make_line(transcript, type, members);
    if (!line)
        return fail(transcript, P11_MEMORY, "out of memory", error);
    size_t length = strlen(line);
    line[length] = '\n'; /* in place of the NUL */
    int r = write_line(transcript, line, length + 1, error);
    free(line);
    return r;
}
