/* The one sink of the agent's log: standard error. */
#include "config.h"
#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"ERROR: ", "WARNING: ", ""};
    static const char *const priorities[] = {"<3>", "<4>", "<6>"};
    char line[LINE_MAX_BYTES];
    /* systemd's journal takes the level from this prefix (sd-daemon(3)). */
    const char *priority = getenv("JOURNAL_STREAM") ? priorities[level] : "";
    size_t used = (size_t)snprintf(line, sizeof line, "%s%s", priority, names[level]);
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
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written; /* there is nobody left to tell */
}
