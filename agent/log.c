/* The one sink of the agent's log: standard error, for which nobody waits long. */
#include "config.h"
#include "agent/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define PATIENCE_MS    100 /* with a reader who does not read */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below, and of standard error */
static unsigned long lost;

/* Whether there is room for a line: a pipe or a socket that tells so has some for every line of
 * ours. Without this, whoever does not read the log would stop the agent. */
static bool has_room(int ms)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&fd, 1, ms) > 0;
}

/* systemd's journal takes the level from this prefix (sd-daemon(3)). */
static const char *priority_of(enum log_level level)
{
    static const char *const priorities[] = {"<3>", "<4>", "<6>"};
    return getenv("JOURNAL_STREAM") ? priorities[level] : "";
}

/* With the lock held. */
static void say_lost(void)
{
    char line[64];
    if (lost == 0 || !has_room(0))
        return;
    int n = snprintf(line, sizeof line, "%sWARNING: %lu lines of the log were lost\n",
                     priority_of(LOG_WARNING_LEVEL), lost);
    lost = 0;
    (void)!write(STDERR_FILENO, line, (size_t)n); /* there is nobody left to tell */
}

void log_tell_lost(void)
{
    pthread_mutex_lock(&lock);
    say_lost();
    pthread_mutex_unlock(&lock);
}

/* Somebody who is stuck is waited for once, not with every line. */
static void put(const char *line, size_t length)
{
    pthread_mutex_lock(&lock);
    say_lost();
    if (has_room(lost > 0 ? 0 : PATIENCE_MS))
        (void)!write(STDERR_FILENO, line, length);
    else
        lost++;
    pthread_mutex_unlock(&lock);
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"ERROR: ", "WARNING: ", ""};
    char line[LINE_MAX_BYTES];
    size_t used = (size_t)snprintf(line, sizeof line, "%s%s", priority_of(level), names[level]);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + used, sizeof line - used, format, args);
    va_end(args);
    size_t length = used + (n > 0 ? (size_t)n : 0);
    if (length > sizeof line - 1)
        length = sizeof line - 1;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[length] = '\n';
    put(line, length + 1);
}
