/* One line for the administrator: on stderr in the foreground, in the system's log otherwise. Safe from any thread. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_FATAL, LOG_WARN, LOG_NOTE, LOG_TRACE };

void log_start(bool foreground, bool trace);
/* From now on to the system's log: the terminal is gone. */
void log_to_system(void);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same line at most once in ten seconds, for what a failing disk says a thousand times. */
void log_limited(long *last, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
