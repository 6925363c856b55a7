/* The agent's log: one line an event on standard error. No claim values, no tokens, no secrets. */
#ifndef HINTSIGN_AGENT_LOG_H
#define HINTSIGN_AGENT_LOG_H

enum log_level { LOG_ERROR_LEVEL, LOG_WARNING_LEVEL, LOG_INFO_LEVEL };

/* One line, written at once. Control characters are replaced by '?'. Where nobody reads standard
 * error, lines are lost after a tenth of a second, and how many is said when somebody does. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says how many lines were lost, if somebody reads again. Waits for nobody who does not. */
void log_tell_lost(void);

#define log_error(...)   log_write(LOG_ERROR_LEVEL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING_LEVEL, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO_LEVEL, __VA_ARGS__)

#endif
